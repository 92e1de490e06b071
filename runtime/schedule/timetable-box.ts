// What operators and tests do with the schedules that handlers have made: list them, take them away.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { removeSchedule } from "./changes.ts";
import { type TimetableEntry, tokenOf } from "./timetable-entry.ts";
import { type ScheduledContent, TimetableStore } from "./timetable-store.ts";
import { changedSubject } from "./timetable-stream.ts";
import { Turns } from "./turns.ts";

export interface ListedSchedule extends TimetableEntry {
  readonly content: ScheduledContent;
}

const READ_AT_ONCE = 32;

export class TimetableBox {
  private readonly connection: NatsConnection;
  private readonly app: string;
  private opened: Promise<TimetableStore> | undefined;

  constructor(connection: NatsConnection, app: string) {
    this.connection = connection;
    this.app = app;
  }

  /** By key. Without the stream there are none. Rejects with STREAM_REFUSED or NATS_REFUSED. */
  list(): Promise<readonly ListedSchedule[]> {
    return this.asked(
      "schedules that handlers have made could not be listed",
      async (store) => {
        const { tokens } = await store.tokens();
        const turns = new Turns(READ_AT_ONCE);
        const found = await Promise.all(tokens.map((token) => turns.take(() => store.read(token))));
        const entries = found.flatMap(({ entry, content }) => (entry === undefined ? [] : [{ ...entry, content }]));
        return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
      },
      [],
    );
  }

  /** Resolves with whether there was one. Rejects with STREAM_REFUSED or NATS_REFUSED. */
  cancel(key: string): Promise<boolean> {
    return this.asked(
      `schedule ${JSON.stringify(key)} could not be cancelled`,
      async (store) => {
        const token = tokenOf(key);
        const wasThere = await removeSchedule(store, token);
        this.connection.publish(changedSubject(this.app), token);
        return wasThere;
      },
      false,
    );
  }

  private async asked<T>(doing: string, act: (store: TimetableStore) => Promise<T>, none: T): Promise<T> {
    if (lacksJetStream(this.connection)) return none;
    try {
      this.opened ??= this.open();
      return await act(await this.opened);
    } catch (error) {
      if (isApiError(error, ApiCode.streamNotFound)) return none;
      throw jetStreamError(error, { connection: this.connection, code: "STREAM_REFUSED", doing });
    }
  }

  /** It writes nothing: the stream is made by whoever has something to keep. */
  private async open(): Promise<TimetableStore> {
    const jsm: JetStreamManager = await managerOf(this.connection);
    return new TimetableStore({ app: this.app, js: jetStreamOf(this.connection), jsm, copies: 1 });
  }
}
