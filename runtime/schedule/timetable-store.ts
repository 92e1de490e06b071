// Reads and writes the schedules that handlers have made. Who writes says after what: of two that write at once, one is told that the
// other was first.

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import type { HeaderPairs } from "../message/header-block.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { OwnRegister } from "../streams/own-register.ts";
import { OwnStreamReader } from "../streams/own-stream-reader.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";
import { ENTRY_HEADER, entryText, readEntry, type TimetableEntry } from "./timetable-entry.ts";
import { ensureTimetable, entrySubject, entrySubjects, timetableStream } from "./timetable-stream.ts";

/** What is published at each planned time. */
export interface ScheduledContent {
  readonly headers: HeaderPairs;
  readonly payload: Uint8Array;
}

export interface StoredEntry {
  /** Undefined: there is none, or none of ours. */
  readonly entry: TimetableEntry | undefined;
  readonly content: ScheduledContent;
  /** Of the message that has it; 0: there is none. */
  readonly revision: number;
}

export interface TimetableStoreOptions {
  readonly app: string;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Of the stream, should it have to be made. */
  readonly copies: number;
}

const WRITE_MS = 5_000;
const NOTHING: ScheduledContent = { headers: [], payload: new Uint8Array(0) };
const NOT_THERE = [ApiCode.nothingThere, ApiCode.sequenceNotFound, ApiCode.messageNotFound, ApiCode.streamNotFound];

export class TimetableStore {
  private readonly options: TimetableStoreOptions;
  private readonly register: OwnRegister;

  constructor(options: TimetableStoreOptions) {
    const { app, js, jsm, copies } = options;
    this.options = options;
    const reader = new OwnStreamReader(jsm, timetableStream(app));
    const writer = new OwnStreamWriter({ js, ensure: () => ensureTimetable(jsm, app, copies) });
    this.register = new OwnRegister(reader, writer, { timeout: WRITE_MS, retries: 1 });
  }

  /** Rejects with the client's errors. */
  async read(token: string): Promise<StoredEntry> {
    const { message, revision } = await this.register.read(entrySubject(this.options.app, token));
    if (message === null) return { entry: undefined, content: NOTHING, revision };
    const pairs = [...message.header].flatMap(([name, values]) => values.map((value) => [name, value] as const));
    const headers = pairs.filter(([name]) => name !== ENTRY_HEADER && !/^nats-/i.test(name));
    const entry = readEntry(message.header.get(ENTRY_HEADER));
    return { entry, content: { headers, payload: message.data }, revision };
  }

  /** Resolves with whether nobody has written since. Rejects with the client's errors. */
  async write(token: string, entry: TimetableEntry, content: ScheduledContent, revision: number): Promise<boolean> {
    const headers = createHeaders();
    for (const [name, value] of content.headers) headers.append(name, value);
    headers.set(ENTRY_HEADER, entryText(entry));
    const subject = entrySubject(this.options.app, token);
    return (await this.register.write(subject, content.payload, revision, headers)) !== undefined;
  }

  /** Resolves with whether nobody has written since. Rejects with the client's errors. */
  async remove(revision: number): Promise<boolean> {
    try {
      return await this.options.jsm.streams.deleteMessage(timetableStream(this.options.app), revision, false);
    } catch (error) {
      if (isApiError(error, ...NOT_THERE)) return false;
      throw error;
    }
  }

  /** How many there are. Rejects with the client's errors, also where there is no stream. */
  async count(): Promise<number> {
    const { app, jsm } = this.options;
    return (await jsm.streams.info(timetableStream(app))).state.messages;
  }

  /** Tokens of all, and what the server says the time is. Rejects with the client's errors, also where there is no stream. */
  async tokens(): Promise<{ readonly tokens: readonly string[]; readonly time: string | undefined }> {
    const { app, jsm } = this.options;
    const info = await jsm.streams.info(timetableStream(app), { subjects_filter: entrySubjects(app) });
    const tokens = Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(subject.lastIndexOf(".") + 1));
    return { tokens, time: (info as { ts?: string }).ts };
  }
}
