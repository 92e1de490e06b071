// `handlers send SUBJECT [JSON|-]`: publish, and say what became of the message as far as anybody can know.

import { createInbox, type MsgHdrs } from "@nats-io/transport-node";
import type { NatsConnection } from "../../bind/connection.ts";
import { watchDenials } from "../../bind/denials.ts";
import { systemClock, within } from "../../clock.ts";
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
      const ack = await publishToStream(connection, subject, data, headers, createInbox(nats.inboxPrefix));
      if (ack !== undefined) return ack;
    } else {
      connection.publish(subject, data, headers === undefined ? {} : { headers });
    }
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
    const request = JSON.stringify({ subject });
    const reply = await connection.request("$JS.API.STREAM.NAMES", request, { timeout: CONFIRM_MS });
    return ((reply.json() as { streams?: unknown[] | null }).streams ?? []).length > 0;
  } catch {
    return false; // JetStream is not for this user: then the message goes out without a confirmation.
  }
}

/** The stream's word that it has the message. Handlers on the same subject may answer too: their replies are passed over. */
async function publishToStream(
  connection: NatsConnection,
  subject: string,
  data: Uint8Array,
  headers: MsgHdrs | undefined,
  inbox: string,
): Promise<PubAck | undefined> {
  const subscription = connection.subscribe(inbox);
  const confirmed = (async () => {
    for await (const message of subscription) {
      const ack = readPubAck(message.string());
      if (ack !== undefined) return ack;
    }
    return undefined;
  })();
  connection.publish(subject, data, { reply: inbox, ...(headers === undefined ? {} : { headers }) });
  const ack = await within(systemClock, CONFIRM_MS, confirmed);
  subscription.unsubscribe();
  return ack === "expired" ? undefined : ack;
}

function readPubAck(text: string): PubAck | undefined {
  try {
    const { stream, seq } = JSON.parse(text) as Partial<PubAck>;
    return typeof stream === "string" && typeof seq === "number" ? { stream, seq } : undefined;
  } catch {
    return undefined; // A handler's reply in a format of its own.
  }
}
