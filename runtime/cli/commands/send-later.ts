// `handlers send SUBJECT --delay 10m`: have the replicas publish it when it is due.

import { systemClock } from "../../clock.ts";
import { type SentByHand, storeByHand } from "../../later/by-hand.ts";
import { printLine } from "../../terminal/terminal.ts";
import { momentText, spanText } from "../../terminal/time-text.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { byteCount } from "../message-input.ts";
import { withConnection } from "../nats-client.ts";

export async function sendLater(
  message: SentByHand,
  { terminal, options }: Invocation<{ readonly json?: boolean }>,
): Promise<ExitCode> {
  const { id, dueMs } = await withConnection(terminal, options, (connection, { app }) =>
    storeByHand(message, { connection, app, clock: systemClock }),
  );
  const { subject, payload } = message;
  if (options.json === true) {
    const dueAt = new Date(dueMs).toISOString();
    printLine(terminal.out, JSON.stringify({ subject, bytes: payload.length, id, dueAt }));
  } else if (terminal.err.isTerminal) {
    const nowMs = systemClock.nowMs();
    const when = `leaves at ${momentText(dueMs, nowMs)}, in ${spanText(dueMs - nowMs)}`;
    const cancel = terminal.err.paint("dim", `· handlers scheduled cancel ${id}`);
    printLine(terminal.err, `${byteCount(payload.length)} for ${subject} ${when} ${cancel}`);
  }
  return 0;
}
