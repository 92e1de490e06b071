// `handlers send SUBJECT [JSON|-]`: publish, and say what became of the message as far as anybody can know.

import type { ApiError } from "@nats-io/jetstream";
import { createInbox, type MsgHdrs } from "@nats-io/transport-node";
import type { NatsConnection } from "../../bind/connection.ts";
import { watchDenials } from "../../bind/denials.ts";
import { isNoAnswer, jetStreamError, mayBeAnsweredLater } from "../../bind/jetstream-errors.ts";
import { streamsTaking } from "../../bind/stream-names.ts";
import { systemClock, within } from "../../clock.ts";
import { RuntimeError } from "../../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { byteCount, checkSubject, type PayloadOptions, readHeaders, readPayload } from "../message-input.ts";
import { withConnection } from "../nats-client.ts";
import { printLine } from "../terminal.ts";

export interface SendOptions extends PayloadOptions {
  readonly header?: readonly string[];
  readonly json?: boolean;
}

interface PubAck {
  readonly stream: string;
  readonly seq: number;
}

type Confirmation = PubAck | { readonly refused: ApiError };

const CONFIRM_MS = 2_000;

export async function send(
  subject: string,
  payload: string | undefined,
  { terminal, options }: Invocation<SendOptions>,
): Promise<ExitCode> {
  checkSubject(subject);
  const headers = readHeaders(options.header);
  const data = await readPayload(payload, options, terminal);
  const stored = await withConnection(terminal, options, async (connection, { nats }) => {
    const assertSent = watchDenials(connection);
    if (await isStored(connection, subject)) {
      const confirmed = await publishToStream(connection, subject, data, headers, createInbox(nats.inboxPrefix));
      await assertSent(subject);
      return storedAs(subject, confirmed);
    }
    connection.publish(subject, data, headers === undefined ? {} : { headers });
    await assertSent(subject);
    return undefined;
  });
  if (options.json === true) {
    const { stream, seq } = stored ?? {};
    printLine(terminal.out, JSON.stringify({ subject, bytes: data.length, stream, seq }));
  } else if (terminal.err.isTerminal) {
    // Core NATS does not tell the publisher whether anybody listens.
    const end =
      stored === undefined ? "handed to whoever listens now" : `stored in stream ${stored.stream}, ${stored.seq}`;
    printLine(
      terminal.err,
      `published ${byteCount(data.length)} to ${subject} ${terminal.err.paint("dim", `· ${end}`)}`,
    );
  }
  return 0;
}

/** Whether a stream takes the subject, as far as we may ask. */
async function isStored(connection: NatsConnection, subject: string): Promise<boolean> {
  if (connection.info?.jetstream !== true) return false;
  try {
    return (await streamsTaking(connection, subject)).length > 0;
  } catch (error) {
    // JetStream is not for this user, or account: then the message goes out without a confirmation.
    if (isNoAnswer(error) || !mayBeAnsweredLater(error)) return false;
    const doing = `whether a stream takes "${subject}" could not be asked, and nothing was sent`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
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
