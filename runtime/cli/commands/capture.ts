// `handlers capture SUBJECT`: messages as files, for tests: what is published from now on, or what is stored.

import { resolve } from "node:path";
import type { MsgHdrs } from "@nats-io/transport-node";
import { systemClock } from "../../clock.ts";
import { isOriginal } from "../../dead-letters/dead-letter.ts";
import { RuntimeError } from "../../errors.ts";
import { type FileMessage, writeMessageFile } from "../../message-file.ts";
import { validateSubject } from "../../metadata/subject.ts";
import type { NatsConnection } from "../../nats/connection.ts";
import { managerOf } from "../../nats/jetstream.ts";
import { jetStreamError } from "../../nats/jetstream-errors.ts";
import { firstStoredSince, storedIn } from "../../streams/stored-messages.ts";
import { streamsTaking } from "../../streams/stream-names.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { countText } from "../control-session.ts";
import { readCount } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";
import { readPast } from "../time-options.ts";

export interface CaptureOptions {
  readonly out: string;
  readonly from?: string;
  readonly limit: string;
  readonly json?: boolean;
}

/** A message as it came, or as it is stored. */
interface Caught {
  readonly subject: string;
  readonly headers?: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** 0: so many as were wanted, or all there are; 130: stopped before. */
export function capture(subject: string, { terminal, options }: Invocation<CaptureOptions>): Promise<ExitCode> {
  const problem = validateSubject(subject);
  if (problem !== undefined)
    throw new RuntimeError("USAGE", `the subject ${problem}; received ${JSON.stringify(subject)}`);
  const limit = readCount("--limit", options.limit);
  const fromMs = options.from === undefined ? undefined : readPast("--from", options.from, systemClock.nowMs());
  const folder = resolve(terminal.cwd, options.out);
  return withConnection<ExitCode>(terminal, options, async (connection) => {
    const { signal } = untilInterrupted();
    const messages = fromMs === undefined ? live(connection, subject, signal) : stored(connection, subject, fromMs);
    if (fromMs === undefined) {
      await connection.flush();
      printLine(terminal.err, `waiting for ${countText(limit, "message")} to ${subject}`);
    }
    const files: string[] = [];
    for await (const message of messages) {
      if (signal.aborted) break;
      files.push(writeMessageFile(folder, fileMessage(message)));
      if (files.length >= limit) break;
    }
    tell(files, folder, options, terminal);
    return signal.aborted ? 130 : 0;
  });
}

/** With its own headers alone: those of the server would expire or deduplicate what a test publishes. */
function fileMessage({ subject, headers, data: payload }: Caught): FileMessage {
  const own = [...(headers ?? [])].filter(([name]) => isOriginal(name));
  return { subject, headers: Object.fromEntries(own), payload };
}

/** From the moment it is asked for. */
function live(connection: NatsConnection, subject: string, signal: AbortSignal): AsyncIterable<Caught> {
  const subscription = connection.subscribe(subject);
  signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
  return subscription;
}

async function* stored(connection: NatsConnection, subject: string, fromMs: number): AsyncGenerator<Caught> {
  try {
    const jsm = await managerOf(connection);
    const streams = await streamsTaking(connection, subject);
    if (streams.length === 0) throw new RuntimeError("USAGE", `no stream takes "${subject}": nothing of it is stored`);
    const ranges = streams.map(async (stream) => {
      const { state } = await jsm.streams.info(stream);
      const first = await firstStoredSince({ jsm, stream }, fromMs, state);
      return { jsm, stream, subject, first, last: state.last_seq };
    });
    for await (const { message } of storedIn(await Promise.all(ranges)))
      yield { subject: message.subject, headers: message.header, data: message.data };
  } catch (error) {
    const doing = `the messages of "${subject}" could not be read`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}

function tell(files: readonly string[], folder: string, { json }: CaptureOptions, { out }: Terminal): void {
  if (json === true) return printLine(out, JSON.stringify({ folder, files }));
  printLine(out, `${countText(files.length, "message")} written to ${folder}`);
}
