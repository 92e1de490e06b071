// What an operator does with messages that leave later: list them, cancel them.
//
// C1  A message is cancelled only when it was removed before it was due, by whatever the server's clock may have shown: a
//     message leaves on a delivery that is made when it is due, so this one never does (departure.ts, D2).

import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { ServerClock } from "../nats/server-clock.ts";
import { type LaterMessage, pairsOf, readLater } from "./later-message.ts";
import { laterStream } from "./later-stream.ts";
import { windowCounts, windowSubject, windowSubjects } from "./window.ts";

export interface WaitingMessage extends Omit<LaterMessage, "headers" | "id"> {
  /** Its number in the stream: what `cancel` takes. */
  readonly id: number;
  readonly messageId: string;
  readonly storedAtMs: number;
  readonly bytes: number;
}

export interface WaitingQuery {
  /** Only those that this handler published. */
  readonly handler?: string | undefined;
  /** Most that are listed. */
  readonly limit?: number | undefined;
}

export interface Listing {
  /** How many wait, of whatever handler. */
  readonly total: number;
  /** Due first. */
  readonly messages: readonly WaitingMessage[];
}

/** `missing`: cancelled before, gone by now, or never there. `leaving`: due, or as good as. */
export type Cancelled = "cancelled" | "missing" | "leaving";

const NOT_THERE = [ApiCode.nothingThere, ApiCode.sequenceNotFound, ApiCode.messageNotFound, ApiCode.streamNotFound];
/** What is due within so long is leaving: servers of 2.9 hand some out a little early. */
const LEAVING_MS = 1_000;
/** A window with more than so many is read from several places at once. */
const READ_IN_ONE = 64;
const READ_AT_ONCE = 32;

export class LaterBox {
  private readonly connection: NatsConnection;
  private readonly app: string;
  private readonly clock: Clock;
  private readonly serverClock: ServerClock;
  private readonly manager: Promise<JetStreamManager>;

  constructor(connection: NatsConnection, app: string, clock: Clock) {
    this.connection = connection;
    this.app = app;
    this.clock = clock;
    this.serverClock = new ServerClock(clock);
    this.manager = managerOf(connection);
  }

  /** Without the stream there are none. Rejects with STREAM_REFUSED or NATS_REFUSED. */
  list({ handler, limit = Number.POSITIVE_INFINITY }: WaitingQuery = {}): Promise<Listing> {
    return this.asked("what waits to leave later could not be listed", async () => {
      const info = await this.info(windowSubjects(this.app));
      if (info === undefined) return { total: 0, messages: [] };
      const { messages: total, first_seq: first, last_seq: last } = info.state;
      const messages: WaitingMessage[] = [];
      const windows = [...windowCounts(info.state.subjects ?? {})].sort(([a], [b]) => a - b);
      for (const [window, count] of windows) {
        if (messages.length >= limit) break;
        const found = await this.read(windowSubject(this.app, window), count, first, last);
        const wanted = found.filter(({ by }) => handler === undefined || by === handler);
        messages.push(...wanted.sort((a, b) => a.dueMs - b.dueMs || a.id - b.id));
      }
      return { total, messages: messages.slice(0, limit) };
    });
  }

  /** C1. May be called again. Rejects with STREAM_REFUSED or NATS_REFUSED. */
  cancel(id: number): Promise<Cancelled> {
    return this.asked(`message ${id} could not be cancelled`, async () => {
      const stored = await this.stored({ seq: id });
      const later = stored && readLater(pairsOf(stored.header));
      if (later === undefined) return "missing";
      await this.info(undefined); // It says what time it is.
      if (this.isLeaving(later)) return "leaving";
      if (!(await this.remove(id))) return "missing";
      return later.dueMs <= this.serverClock.latestMs() ? "leaving" : "cancelled";
    });
  }

  private isLeaving({ dueMs }: LaterMessage): boolean {
    return dueMs - this.serverClock.latestMs() <= LEAVING_MS;
  }

  private async remove(id: number): Promise<boolean> {
    const jsm = await this.manager;
    return jsm.streams.deleteMessage(laterStream(this.app), id, false).catch(unlessGone(false));
  }

  private async info(filter: string | undefined) {
    const jsm = await this.manager;
    const askedAtMs = this.clock.monotonicMs();
    const query = filter === undefined ? undefined : { subjects_filter: filter };
    const info = await jsm.streams.info(laterStream(this.app), query).catch(unlessGone(undefined));
    this.serverClock.observe((info as { ts?: string } | undefined)?.ts, askedAtMs);
    return info;
  }

  /** From `count` messages' window: one after the other, from several places of the stream at once. */
  private async read(subject: string, count: number, first: number, last: number): Promise<WaitingMessage[]> {
    const places = count <= READ_IN_ONE ? 1 : READ_AT_ONCE;
    const step = Math.ceil((last - first + 1) / places);
    const starts = Array.from({ length: places }, (_, at) => first + at * step);
    return (await Promise.all(starts.map((start) => this.readFrom(subject, start, start + step)))).flat();
  }

  private async readFrom(subject: string, start: number, end: number): Promise<WaitingMessage[]> {
    const found: WaitingMessage[] = [];
    for (let seq = start; ; ) {
      const stored = await this.stored({ seq, next_by_subj: subject });
      if (stored === undefined || stored.seq >= end) return found;
      const later = readLater(pairsOf(stored.header));
      if (later !== undefined) found.push(waiting(later, stored));
      seq = stored.seq + 1;
    }
  }

  private async stored(query: { seq: number; next_by_subj?: string }): Promise<StoredMsg | undefined> {
    const jsm = await this.manager;
    const found = await jsm.streams.getMessage(laterStream(this.app), query).catch(unlessGone(null));
    return found ?? undefined;
  }

  private async asked<T>(doing: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      throw jetStreamError(error, { connection: this.connection, code: "STREAM_REFUSED", doing });
    }
  }
}

function waiting({ target, dueMs, id, by, stream }: LaterMessage, { seq, time, data }: StoredMsg): WaitingMessage {
  return { id: seq, dueMs, target, by, stream, messageId: id, storedAtMs: time.getTime(), bytes: data.length };
}

function unlessGone<T>(none: T): (error: unknown) => T {
  return (error) => {
    if (isApiError(error, ...NOT_THERE)) return none;
    throw error;
  };
}
