// The streams that durable handlers take from: those declared are made and kept as declared; for a subject that no
// stream takes, `dev` makes one.
//
// M1  A stream is ours when it is declared by name or was made by us for this app (its description says so). No other
//     stream is changed.
// M2  A stream made by us is only ever widened.

import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { addStream } from "./add-stream.ts";
import { ApiCode, isApiError, jetStreamError } from "./jetstream-errors.ts";
import { madeBy } from "./own-streams.ts";
import { streamsTaking } from "./stream-names.ts";
import {
  changedConfig,
  DEFAULT_MAX_BYTES,
  type DeclaredStream,
  differences,
  madeStreamName,
  newStreamConfig,
  type StatedConfig,
  statedConfig,
} from "./stream-settings.ts";
import { coveredBy, covers, widened } from "./subject-cover.ts";

export interface EnsureStreamsOptions {
  readonly connection: NatsConnection;
  readonly streams: readonly DeclaredStream[];
  /** Make and change streams, as `dev` and `--provision` do; else only look. */
  readonly provision: boolean;
  readonly emit: Emit;
}

/** Rejects with STREAM_MISSING, STREAM_REFUSED or NATS_REFUSED. Without declared streams the server is asked nothing. */
export async function ensureStreams(options: EnsureStreamsOptions): Promise<void> {
  if (options.streams.length === 0) return;
  const jsm = await jetstreamManager(options.connection, { checkAPI: false });
  for (const stream of options.streams) {
    try {
      await ensureStream(jsm, stream, options);
    } catch (error) {
      throw streamError(error, options.connection, `stream "${stream.name}" could not be set up`);
    }
  }
}

async function ensureStream(
  jsm: JetStreamManager,
  stream: DeclaredStream,
  options: EnsureStreamsOptions,
): Promise<void> {
  const { provision, emit } = options;
  const stated = statedConfig(stream);
  const found = await findStream(jsm, stream.name);
  if (found === undefined) {
    if (!provision) throw missing(stream);
    await makeStream(jsm, stated);
    emit({
      type: "runtime.notice",
      level: "info",
      message: `stream "${stream.name}" made for ${listed(stream.subjects)}`,
    });
    return;
  }
  const different = differences(stated, found.config);
  if (different.length === 0) return;
  if (provision) {
    await jsm.streams.update(stream.name, changedConfig(stated, found.config));
    emit({
      type: "runtime.notice",
      level: "info",
      message: `stream "${stream.name}" changed: ${different.join(", ")}`,
    });
    return;
  }
  const uncovered = stream.subjects.filter((subject) => !coveredBy(found.config.subjects, subject));
  if (uncovered.length > 0) throw tooNarrow(stream.name, uncovered, found.config.subjects);
  const message = `stream "${stream.name}" differs from handlers.config.ts in ${different.join(", ")}; --provision changes it`;
  emit({ type: "runtime.notice", level: "warn", message });
}

export interface StreamFinderOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Names of the declared streams. */
  readonly declared: readonly string[];
  /** Make a stream for a subject that none takes. */
  readonly provision: boolean;
  readonly emit: Emit;
}

export class StreamFinder {
  private readonly options: StreamFinderOptions;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly made = new Set<string>();

  constructor(options: StreamFinderOptions) {
    this.options = options;
  }

  /** The app's own streams: those declared, and those made for it that were met so far. */
  get own(): readonly string[] {
    return [...this.options.declared, ...this.made];
  }

  /**
   * The one stream that takes everything the subject can stand for. One after another, as each may make a stream.
   * Rejects with STREAM_MISSING, STREAM_REFUSED or NATS_REFUSED.
   */
  streamFor(subject: string, handler: string): Promise<string> {
    const next = this.turn.then(() => this.find(subject, handler));
    this.turn = next.catch(() => undefined); // Told to whoever asked.
    return next;
  }

  private async find(subject: string, handler: string): Promise<string> {
    const { connection, provision } = this.options;
    try {
      const jsm = await jetstreamManager(connection, { checkAPI: false });
      const names = await streamsTaking(connection, subject);
      const [name] = names;
      if (name === undefined) return provision ? await this.make(jsm, subject) : refuse(noStream(subject, handler));
      if (names.length > 1) return refuse(severalStreams(subject, names, handler));
      const { config } = await jsm.streams.info(name);
      if (this.isMade(config)) this.made.add(name);
      if (coveredBy(config.subjects, subject)) return name;
      if (provision && this.isMade(config)) return await this.widen(jsm, name, config.subjects, subject);
      return refuse(partly(subject, name, config.subjects, handler));
    } catch (error) {
      throw streamError(error, connection, `no stream could be found for "${subject}"`, handler);
    }
  }

  private async make(jsm: JetStreamManager, subject: string): Promise<string> {
    const { app, emit } = this.options;
    const name = await this.freeName(jsm, subject);
    if (name.made !== undefined) return this.widen(jsm, name.name, name.made, subject);
    this.made.add(name.name);
    await makeStream(jsm, { name: name.name, subjects: [subject], description: madeBy(app) });
    const line = configLine(name.name, [subject]);
    const message = `no stream takes "${subject}", so stream "${name.name}" was made for it. To choose its limits, add to handlers.config.ts: ${line}`;
    emit({ type: "runtime.notice", level: "info", message });
    return name.name;
  }

  /** A name that is not taken, or that of a stream we made before. */
  private async freeName(jsm: JetStreamManager, subject: string): Promise<{ name: string; made?: string[] }> {
    const wanted = madeStreamName(this.options.app, subject);
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}_${number}`;
      const found = await findStream(jsm, name);
      if (found === undefined) return { name };
      if (this.isMade(found.config)) return { name, made: found.config.subjects };
    }
  }

  /** M2. */
  private async widen(
    jsm: JetStreamManager,
    name: string,
    subjects: readonly string[],
    subject: string,
  ): Promise<string> {
    const wider = widened(subjects, subject);
    await jsm.streams.update(name, { subjects: wider });
    const message = `stream "${name}", made by us, now takes ${listed(wider)}`;
    this.options.emit({ type: "runtime.notice", level: "info", message });
    return name;
  }

  /** M1. A declared stream is as its declaration says, not as a handler would like it. */
  private isMade({ name, description }: { name: string; description?: string }): boolean {
    return description === madeBy(this.options.app) && !this.options.declared.includes(name);
  }
}

/** A bound that was stated is kept to the byte. */
async function makeStream(jsm: JetStreamManager, stated: StatedConfig): Promise<void> {
  const config = newStreamConfig(stated);
  if (stated.max_bytes === undefined) await addStream(jsm, config, DEFAULT_MAX_BYTES);
  else await jsm.streams.add(config);
}

async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  return jsm.streams.info(name).catch((error: unknown) => {
    if (isApiError(error, ApiCode.streamNotFound)) return undefined;
    throw error;
  });
}

function configLine(name: string, subjects: readonly string[]): string {
  const list = subjects.map((subject) => JSON.stringify(subject)).join(", ");
  return `streams: [{ name: ${JSON.stringify(name)}, subjects: [${list}] }]`;
}

function listed(subjects: readonly string[]): string {
  return subjects.map((subject) => `"${subject}"`).join(", ");
}

function refuse(error: RuntimeError): never {
  throw error;
}

function missing({ name, subjects }: DeclaredStream): RuntimeError {
  return new RuntimeError("STREAM_MISSING", `stream "${name}", declared in handlers.config.ts, does not exist`, {
    remedy: `Start with --provision to have it made, or make it: nats stream add ${name} --subjects ${subjects.join(",")}`,
  });
}

function noStream(subject: string, handler: string): RuntimeError {
  const [first = ""] = subject.split(".");
  const wide = /^[*>]$/.test(first) || first === subject ? subject : `${first}.>`;
  const name = /^[*>]$/.test(first) ? "EVENTS" : first.toUpperCase().replace(/[^A-Z0-9_-]/g, "_");
  const message = `handler "${handler}" is durable, and no stream takes its subject "${subject}"`;
  return new RuntimeError("STREAM_MISSING", message, {
    handler,
    remedy: `Add to handlers.config.ts: ${configLine(name, [wide])} and start once with --provision.`,
  });
}

function tooNarrow(name: string, uncovered: readonly string[], actual: readonly string[]): RuntimeError {
  const message = `stream "${name}" takes ${listed(actual)}, which leaves out ${listed(uncovered)} of handlers.config.ts`;
  return new RuntimeError("STREAM_REFUSED", message, { remedy: "Start once with --provision to have it changed." });
}

function severalStreams(subject: string, names: readonly string[], handler: string): RuntimeError {
  const message = `the subject "${subject}" of handler "${handler}" reaches into ${names.length} streams: ${names.join(", ")}`;
  return new RuntimeError("STREAM_REFUSED", message, {
    handler,
    remedy: "A durable handler takes from one stream: narrow its subject, or make one handler for each stream.",
  });
}

function partly(subject: string, name: string, subjects: readonly string[], handler: string): RuntimeError {
  const message = `stream "${name}" takes only a part of "${subject}", the subject of handler "${handler}": ${listed(subjects)}`;
  const narrower = subjects.find((stored) => covers(subject, stored)) ?? subjects[0] ?? subject;
  return new RuntimeError("STREAM_REFUSED", message, {
    handler,
    remedy: `Widen the stream in handlers.config.ts: ${configLine(name, widened(subjects, subject))}, or narrow the handler to "${narrower}".`,
  });
}

function streamError(error: unknown, connection: NatsConnection, doing: string, handler?: string): RuntimeError {
  return jetStreamError(error, {
    connection,
    code: "STREAM_REFUSED",
    doing,
    ...(handler === undefined ? {} : { handler }),
    remedies: {
      [ApiCode.subjectsOverlap]:
        "A subject belongs to one stream: `nats stream subjects` and `nats stream ls` show which has it already.",
    },
  });
}
