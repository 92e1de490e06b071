// The streams that the app declares: made and kept as declared where we may, else only looked at.

import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Emit } from "../events.ts";
import { managerOf } from "../nats/jetstream.ts";
import { whyNoBatches } from "./atomic-batches.ts";
import { findStream, makeStream } from "./make-stream.ts";
import { unlessMade } from "./own-stream.ts";
import { listed, missing, notKnownYet, streamError, tooNarrow } from "./stream-errors.ts";
import { changedConfig, type DeclaredStream, differences, statedConfig } from "./stream-settings.ts";
import { coveredBy } from "./subject-cover.ts";

export interface EnsureStreamsOptions {
  readonly connection: NatsConnection;
  readonly streams: readonly DeclaredStream[];
  /** Make and change streams, as `dev` and `--provision` do; else only look. */
  readonly provision: boolean;
  /** Of a stream that is made, in a cluster, where its declaration does not say. */
  readonly copies: number;
  readonly emit: Emit;
}

/** Rejects with STREAM_MISSING, STREAM_REFUSED or NATS_REFUSED. Without declared streams the server is asked nothing. */
export async function ensureStreams(options: EnsureStreamsOptions): Promise<void> {
  if (options.streams.length === 0) return;
  const jsm = await managerOf(options.connection);
  for (const declared of options.streams) {
    const stream = asFarAsTaken(declared, options);
    try {
      await ensureStream(jsm, stream, options);
    } catch (error) {
      throw streamError(error, options.connection, `stream "${stream.name}" could not be set up`);
    }
  }
}

/** An older server drops what it does not know: asked for at each start, it would be changed at each. */
function asFarAsTaken(stream: DeclaredStream, { connection, emit }: EnsureStreamsOptions): DeclaredStream {
  const tooOld = stream.atomic === true ? whyNoBatches(connection.info?.version) : undefined;
  if (tooOld === undefined) return stream;
  emit({ type: "runtime.notice", level: "warn", message: `stream "${stream.name}" cannot be \`atomic\`: ${tooOld}` });
  return { ...stream, atomic: undefined };
}

async function ensureStream(
  jsm: JetStreamManager,
  stream: DeclaredStream,
  options: EnsureStreamsOptions,
): Promise<void> {
  const { provision, copies, emit } = options;
  const stated = statedConfig(stream);
  const found = await findStream(jsm, stream.name);
  if (found === undefined) {
    if (!provision) throw missing(stream);
    // Another replica may have been first, and have stated it otherwise.
    const made = await makeStream(jsm, stated, copies).catch(unlessMade);
    if (made === "by another") return lookAtAnothers(jsm, stream, options);
    emit({
      type: "runtime.notice",
      level: "info",
      message: `stream "${stream.name}" made for ${listed(stream.subjects)}`,
    });
    return;
  }
  await adapt(jsm, stream, found, options);
}

async function lookAtAnothers(
  jsm: JetStreamManager,
  stream: DeclaredStream,
  options: EnsureStreamsOptions,
): Promise<void> {
  const found = await findStream(jsm, stream.name);
  if (found === undefined) throw notKnownYet(stream.name);
  await adapt(jsm, stream, found, { ...options, provision: false });
}

/** Have it as declared, or say in what it is not. */
async function adapt(
  jsm: JetStreamManager,
  stream: DeclaredStream,
  found: StreamInfo,
  { provision, emit }: EnsureStreamsOptions,
): Promise<void> {
  const stated = statedConfig(stream);
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
