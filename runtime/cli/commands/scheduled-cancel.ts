// `handlers scheduled cancel ID...`: what is cancelled never leaves. With --key a schedule that a handler has made.

import { systemClock } from "../../clock.ts";
import { RuntimeError } from "../../errors.ts";
import { type Cancelled, LaterBox } from "../../later/later-box.ts";
import { TimetableBox } from "../../schedule/timetable-box.ts";
import { printLine } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";

export async function scheduledCancel(
  words: readonly string[],
  { terminal, options }: Invocation<{ readonly json?: boolean; readonly key?: readonly string[] }>,
): Promise<ExitCode> {
  const { out, err } = terminal;
  const ids = [...new Set(words.map(readId))];
  const keys = [...new Set(options.key ?? [])];
  if (ids.length + keys.length === 0)
    throw new RuntimeError("USAGE", "say which messages to cancel, by their numbers, or which schedules, by --key", {
      remedy: "`handlers scheduled list` shows them.",
    });
  const ends: Record<Cancelled, number[]> = { cancelled: [], missing: [], leaving: [] };
  const schedules = { cancelled: [] as string[], missing: [] as string[] };
  const app = await withConnection(terminal, options, async (connection, config) => {
    const box = new LaterBox(connection, config.app, systemClock);
    for (const id of ids) ends[await box.cancel(id)].push(id);
    const timetable = new TimetableBox(connection, config.app);
    for (const key of keys) schedules[(await timetable.cancel(key)) ? "cancelled" : "missing"].push(key);
    return config.app;
  });
  if (options.json === true) printLine(out, JSON.stringify({ app, ...ends, schedules }));
  else {
    for (const id of ends.cancelled) printLine(out, `${id} is cancelled`);
    for (const key of schedules.cancelled) printLine(out, `schedule ${JSON.stringify(key)} is cancelled`);
    for (const key of schedules.missing)
      printLine(err, `there is no schedule ${JSON.stringify(key)}: cancelled before, or never made`);
    for (const id of ends.missing) printLine(err, `${id} does not wait: cancelled before, or it has left`);
    for (const id of ends.leaving) printLine(err, `${err.paint("red", "✗")} ${id} is due, and leaves`);
  }
  return ends.leaving.length === 0 ? 0 : 1;
}

function readId(word: string): number {
  const id = Number(word);
  if (/^\d+$/.test(word) && Number.isSafeInteger(id) && id > 0) return id;
  const message = `a message that waits has a number, as \`handlers scheduled list\` shows it; received ${JSON.stringify(word)}`;
  throw new RuntimeError("USAGE", message);
}
