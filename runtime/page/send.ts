// Sends a message from the page, or asks and shows the reply.
//
// P1  Only to subjects of the app's world: not the server's, and not those by which runtimes are controlled or handed
//     messages. `send` alone must not be the way around what else is not allowed.
// P2  What is sent is called by a name of its own, so that its way can be shown; and it is sent when the replicas watch.

import { randomUUID } from "node:crypto";
import { headers as createHeaders, errors, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { CAUSE_HEADER } from "../message/origin.ts";
import { publishSubjectProblem } from "../metadata/subject.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { publishByHand } from "../operate/publish-by-hand.ts";
import type { PayloadView, SendResult } from "./answers.ts";
import type { Desk } from "./desk.ts";
import type { MessageWatch } from "./message-watch.ts";
import { hiddenView, payloadView } from "./payload-view.ts";

export interface SendRequest {
  readonly subject: string;
  readonly payload: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Wait for a reply. */
  readonly ask: boolean;
  /** The payload need not be JSON. */
  readonly raw: boolean;
}

const REPLY_MS = 10_000;

/** Rejects with USAGE, or as publishing does. */
export async function send(
  desk: Desk,
  request: SendRequest,
  watch: Pick<MessageWatch, "ready" | "note">,
): Promise<SendResult> {
  const { subject, payload } = request;
  assertSubject(subject, desk.app);
  if (!request.raw) assertJson(payload);
  const data = new TextEncoder().encode(payload);
  const origin = `sent:${randomUUID()}`;
  const message = { subject, data, headers: readHeaders(request.headers, origin) };
  await watch.ready();
  watch.note({ origin, subject, verb: request.ask ? "request" : "publish", bytes: data.length });
  const startedAtMs = desk.clock.monotonicMs();
  const result = request.ask ? await ask(desk, message) : await publish(desk, message);
  return { subject, origin, bytes: data.length, tookMs: Math.round(desk.clock.monotonicMs() - startedAtMs), ...result };
}

type Ended = Omit<SendResult, "subject" | "origin" | "bytes" | "tookMs">;
type Message = Parameters<typeof publishByHand>[0];

async function publish({ connection, inboxPrefix }: Desk, message: Message): Promise<Ended> {
  const fate = await publishByHand(message, { connection, inboxPrefix });
  return typeof fate === "string" ? { fate } : { fate: "stored", stream: fate.stream, sequence: fate.seq };
}

async function ask({ connection, showsPayloads }: Desk, { subject, data, headers }: Message): Promise<Ended> {
  try {
    const options = { timeout: REPLY_MS, ...(headers === undefined ? {} : { headers }) };
    const reply = await connection.request(subject, data, options);
    const error = errorIn(reply);
    const view = replyView(reply, showsPayloads);
    return error === undefined ? { fate: "replied", reply: view } : { fate: "refused", reply: view, error };
  } catch (error) {
    const cause = error instanceof errors.RequestError ? error.cause : error;
    if (cause instanceof errors.NoRespondersError) return { fate: "lost" };
    if (cause instanceof errors.TimeoutError) {
      throw new RuntimeError("REQUEST_FAILED", `"${subject}" was not answered within ${REPLY_MS / 1_000} s`, {
        remedy: "Only `request` handlers reply. It may still be at work.",
      });
    }
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing: `"${subject}" could not be asked` });
  }
}

function errorIn({ headers }: Msg): string | undefined {
  const code = headers?.get("Nats-Service-Error-Code") ?? "";
  return code === "" ? undefined : `${code} ${headers?.get("Nats-Service-Error") ?? ""}`.trim();
}

function replyView({ data }: Msg, shows: boolean): PayloadView {
  return shows ? payloadView(data) : hiddenView(data);
}

/** P1. Throws USAGE. */
export function assertSubject(subject: string, app: string): void {
  const problem = publishSubjectProblem(subject);
  if (problem !== undefined)
    throw new RuntimeError("USAGE", `the subject ${problem}; received ${JSON.stringify(subject)}`);
  const ours = ["dlq", "redrive", "later", "given-back", "schedule"].map((word) => `${word}.${app}.`);
  if (!/^[$_]/.test(subject) && !ours.some((prefix) => subject.startsWith(prefix))) return;
  throw new RuntimeError(
    "USAGE",
    `${JSON.stringify(subject)} is a subject of the server's or the runtime's own: nothing is sent there from here`,
    {
      remedy: "Letters are sent again under Dead letters.",
    },
  );
}

/** Throws USAGE. */
export function assertJson(text: string): void {
  if (text.trim() === "") return;
  try {
    JSON.parse(text);
  } catch (error) {
    const remedy = "Mend it, or tick that it is plain text.";
    throw new RuntimeError("USAGE", `the payload is not JSON: ${(error as Error).message}`, { remedy, cause: error });
  }
}

/** P2: a name that was copied from another message goes. */
function readHeaders(pairs: SendRequest["headers"], origin: string): MsgHdrs {
  const read = createHeaders();
  for (const [name, value] of pairs) {
    if (!/^[!-9;-~]+$/.test(name) || /[\r\n]/.test(value))
      throw new RuntimeError(
        "USAGE",
        `a header is one line, NAME: VALUE; received ${JSON.stringify(`${name}: ${value}`)}`,
      );
    if (name.toLowerCase() !== CAUSE_HEADER.toLowerCase()) read.append(name, value);
  }
  read.set(CAUSE_HEADER, origin);
  return read;
}
