// `handlers send SUBJECT [JSON|-]`: publish, and say what became of the message as far as anybody can know.

import { systemClock } from "../../clock.ts";
import { publishByHand } from "../../operate/publish-by-hand.ts";
import { printLine } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { byteCount, checkSubject, type PayloadOptions, readHeaders, readPayload } from "../message-input.ts";
import { withConnection } from "../nats-client.ts";
import { readLater } from "../time-options.ts";
import { sendLater } from "./send-later.ts";

export interface SendOptions extends PayloadOptions {
  readonly header?: readonly string[];
  readonly delay?: string;
  readonly at?: string;
  readonly json?: boolean;
}

export async function send(
  subject: string,
  payload: string | undefined,
  { terminal, options }: Invocation<SendOptions>,
): Promise<ExitCode> {
  checkSubject(subject);
  const headers = readHeaders(options.header);
  const data = await readPayload(payload, options, terminal);
  const later = readLater(options, systemClock.nowMs());
  if (later !== undefined && !(later.kind === "at" && later.atMs <= systemClock.nowMs()))
    return sendLater({ subject, payload: data, headers, later }, { terminal, options });
  const stored = await withConnection(terminal, options, (connection, { nats }) =>
    publishByHand({ subject, data, headers }, { connection, inboxPrefix: nats.inboxPrefix }),
  );
  if (options.json === true) {
    const { stream, seq } = typeof stored === "string" ? {} : stored;
    printLine(terminal.out, JSON.stringify({ subject, bytes: data.length, stream, seq, taken: stored !== "lost" }));
  } else if (stored === "lost") {
    printLine(terminal.err, `${terminal.err.paint("yellow", "!")} nobody takes "${subject}" now: the message is lost`);
  } else if (terminal.err.isTerminal) {
    const end = stored === "taken" ? "handed to whoever listens" : `stored in stream ${stored.stream}, ${stored.seq}`;
    printLine(
      terminal.err,
      `published ${byteCount(data.length)} to ${subject} ${terminal.err.paint("dim", `· ${end}`)}`,
    );
  }
  return 0;
}
