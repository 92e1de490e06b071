// The stream that takes what a handler with `outputs: "atomic"` publishes, and the marks that say of which messages it has the outputs.
//
// A1  A mark is the last message of a subject of its own: `outputs.<app>.<handler>.<id of the message>`. The stream that takes this is
//     the stream of the outputs, as a batch is stored in one stream only.

import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { managerOf } from "../nats/jetstream.ts";
import { whyNoBatches, whyNotAtomic } from "./atomic-batches.ts";
import { handlerTokens } from "./durable-name.ts";
import { streamError } from "./stream-errors.ts";
import { streamsTaking } from "./stream-names.ts";
import { coveredBy } from "./subject-cover.ts";

/** A1. @param messageId of the message that is handled */
export function outputMark(app: string, handler: string, messageId: string): string {
  return `outputs.${app}.${handlerTokens(handler)}.${messageId}`;
}

/** All marks of the handler. */
export function outputMarks(app: string, handler: string): string {
  return outputMark(app, handler, "*");
}

/** All marks of the app. */
export function appOutputMarks(app: string): string {
  return `outputs.${app}.>`;
}

/** Whether it is a mark, of whichever app: no handler takes any. */
export function isOutputMark(subject: string): boolean {
  return /^outputs\..+:\d+:\d+$/.test(subject);
}

/** As whoever stores outputs sees it. */
export interface OutputStream {
  readonly name: string;
  readonly subjects: readonly string[];
  /** A message may say for how long it is kept. */
  readonly allowsTtl: boolean;
}

export interface OutputStreamQuery {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly handler: string;
}

/** Rejects with STREAM_MISSING, STREAM_REFUSED, NATS_UNREACHABLE or NATS_REFUSED. */
export async function findOutputStream({ connection, app, handler }: OutputStreamQuery): Promise<OutputStream> {
  const marks = outputMarks(app, handler);
  const tooOld = whyNoBatches(connection.info?.version);
  if (tooOld !== undefined) throw notAtomicStream(handler, tooOld);
  try {
    const jsm = await managerOf(connection);
    for (const name of await streamsTaking(connection, marks)) {
      const { config } = await jsm.streams.info(name);
      if (!coveredBy(config.subjects, marks)) continue;
      const why = whyNotAtomic(config);
      if (why !== undefined) throw notAtomicStream(handler, why);
      return { name, subjects: config.subjects, allowsTtl: config.allow_msg_ttl === true };
    }
  } catch (error) {
    throw streamError(error, connection, `the stream of the outputs (outputs: "atomic") could not be found`, handler);
  }
  throw noOutputStream(app, handler);
}

function notAtomicStream(handler: string, why: string): RuntimeError {
  return new RuntimeError(
    "STREAM_REFUSED",
    `handler "${handler}" cannot store its outputs as one (outputs: "atomic"): ${why}`,
    {
      handler,
      remedy:
        "A declared stream is given the setting by `atomic: true` in handlers.config.ts, and a start with --provision. Without `outputs` each message is stored when it is published.",
    },
  );
}

function noOutputStream(app: string, handler: string): RuntimeError {
  const message = `handler "${handler}" stores its outputs as one (outputs: "atomic"), beside a mark of the message they are of, and no stream takes its marks, "${outputMarks(app, handler)}"`;
  return new RuntimeError("STREAM_MISSING", message, {
    handler,
    remedy: `Add "${appOutputMarks(app)}" to the subjects of the stream that takes what it publishes, and \`atomic: true\`: in handlers.config.ts, as in streams: [{ name: "BILLS", subjects: ["bills.>", "${appOutputMarks(app)}"], atomic: true }], and start once with --provision. Handlers whose outputs are in different streams have marks there: "${outputMarks(app, handler)}".`,
  });
}
