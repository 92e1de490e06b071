// Publishes what an operator sends, and says what became of it as far as anybody can know.

import type { ApiError } from "@nats-io/jetstream";
import { createInbox, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import { systemClock, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { isNoAnswer, jetStreamError, mayBeAnsweredLater } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { watchPermissionViolations } from "../nats/permission-violations.ts";
import { streamsTaking } from "../streams/stream-names.ts";

export interface ByHand {
  /** A literal one, valid. */
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/** Where it is stored; or `taken` by whoever listens, or `lost` since nobody does. */
export type Fate = PubAck | "taken" | "lost";

interface PubAck {
  readonly stream: string;
  readonly seq: number;
}

type Confirmation = PubAck | { readonly refused: ApiError };

const CONFIRM_MS = 2_000;

/** Rejects with PUBLISH_FAILED, STREAM_REFUSED, NATS_REFUSED or NATS_UNREACHABLE. */
export async function publishByHand(
  { subject, data, headers }: ByHand,
  { connection, inboxPrefix }: { readonly connection: NatsConnection; readonly inboxPrefix: string | undefined },
): Promise<Fate> {
  const assertSent = watchPermissionViolations(connection);
  if (await isStored(connection, subject)) {
    const confirmed = await publishToStream(connection, subject, data, headers, createInbox(inboxPrefix));
    await assertSent(subject);
    return storedAs(subject, confirmed);
  }
  const isTaken = await publishToAnybody(connection, subject, data, headers, createInbox(inboxPrefix));
  await assertSent(subject);
  return isTaken ? "taken" : "lost";
}

/** Whether a stream takes the subject, as far as we may ask. */
async function isStored(connection: NatsConnection, subject: string): Promise<boolean> {
  if (lacksJetStream(connection)) return false;
  try {
    return (await streamsTaking(connection, subject)).length > 0;
  } catch (error) {
    // JetStream is not for this user, or account: then the message goes out without a confirmation.
    if (isNoAnswer(error) || !mayBeAnsweredLater(error)) return false;
    const doing = `whether a stream takes "${subject}" could not be asked, and nothing was sent`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}

/** False when nobody listens. The server says so at once, to the address for replies: those of handlers are passed over. */
async function publishToAnybody(
  connection: NatsConnection,
  subject: string,
  data: Uint8Array,
  headers: MsgHdrs | undefined,
  inbox: string,
): Promise<boolean> {
  let isTaken = true;
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error === null && isNobody(message)) isTaken = false;
    },
  });
  connection.publish(subject, data, { reply: inbox, ...(headers === undefined ? {} : { headers }) });
  await connection.flush();
  subscription.unsubscribe();
  return isTaken;
}

function isNobody({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === 503;
}

/** The stream's word. Handlers on the same subject may answer too: their replies are passed over. */
async function publishToStream(
  connection: NatsConnection,
  subject: string,
  data: Uint8Array,
  headers: MsgHdrs | undefined,
  inbox: string,
): Promise<Confirmation | undefined> {
  const subscription = connection.subscribe(inbox);
  const confirmed = (async () => {
    for await (const message of subscription) {
      const confirmation = readConfirmation(message.string());
      if (confirmation !== undefined) return confirmation;
    }
    return undefined;
  })();
  connection.publish(subject, data, { reply: inbox, ...(headers === undefined ? {} : { headers }) });
  const confirmation = await within(systemClock, CONFIRM_MS, confirmed);
  subscription.unsubscribe();
  return confirmation === "expired" ? undefined : confirmation;
}

function readConfirmation(text: string): Confirmation | undefined {
  try {
    const { stream, seq, error } = JSON.parse(text) as Partial<PubAck & { error: ApiError }>;
    if (typeof error?.err_code === "number") return { refused: error };
    return typeof stream === "string" && typeof seq === "number" ? { stream, seq } : undefined;
  } catch {
    return undefined; // A handler's reply in a format of its own.
  }
}

function storedAs(subject: string, confirmation: Confirmation | undefined): PubAck {
  if (confirmation === undefined) {
    const message = `no stream has confirmed the message to "${subject}" within ${CONFIRM_MS / 1_000} s: it may be stored or not`;
    throw new RuntimeError("PUBLISH_FAILED", message, {
      remedy: "Look whether it is there (`nats stream view`). A stream with no_ack never confirms.",
    });
  }
  if (!("refused" in confirmation)) return confirmation;
  const { description, err_code } = confirmation.refused;
  const message = `no stream took the message to "${subject}": the server says "${description}" (${err_code})`;
  throw new RuntimeError("PUBLISH_FAILED", message, { remedy: "See the limits of the stream (`nats stream info`)." });
}
