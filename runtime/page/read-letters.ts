// Reads dead letters for the page: filtered, searched and grouped; and one of them with everything that is kept.
//
// S1  Lists carry no payloads. A search looks through those of the newest letters, and says through how many.
// S2  What is searched is what may be seen: payloads as they are shown, and none where they are not shown.

import type { LetterDetails, LetterSummary } from "../dead-letters/dead-letter-box.ts";
import { redactedText } from "../observe/redact.ts";
import type { LetterDetail, LetterList, LetterRow, PayloadView } from "./answers.ts";
import type { Desk } from "./desk.ts";
import { groupKey, groupsOf } from "./letter-groups.ts";
import { letterTimes } from "./letter-times.ts";
import { goneView, headerView, hiddenView, payloadView } from "./payload-view.ts";

export interface LetterFilter {
  readonly handler?: string | undefined;
  readonly reason?: string | undefined;
  /** In the error, the subject, headers or the payload, whatever their case. */
  readonly words?: string | undefined;
  /** A group's key. */
  readonly group?: string | undefined;
  /** Only letters up to this number. */
  readonly upTo?: number | undefined;
}

/** Of so many letters, the newest, the page knows. */
const MOST_LETTERS = 20_000;
const MOST_ROWS = 200;
const MOST_SEARCHED = 500;
const READ_AT_ONCE = 16;

export async function listLetters(desk: Desk, filter: LetterFilter): Promise<LetterList> {
  const all = (await desk.letters.list({ limit: MOST_LETTERS })).map(rowOf);
  const { found, searched } = await matching(desk, all, filter);
  return {
    total: found.length,
    upTo: found[0]?.id ?? 0,
    groups: groupsOf(found),
    letters: found.slice(0, MOST_ROWS),
    times: letterTimes(found.map(({ lastFailedAtMs }) => lastFailedAtMs)),
    handlers: [...new Set(all.map(({ handler }) => handler))].sort(),
    searched,
  };
}

/** Numbers of all letters that the filter means, newest first. */
export async function lettersMeant(desk: Desk, filter: LetterFilter): Promise<number[]> {
  const all = (await desk.letters.list()).map(rowOf);
  return (await matching(desk, all, filter)).found.map(({ id }) => id);
}

/** Undefined when there is no such letter. */
export async function showLetter(desk: Desk, id: number): Promise<LetterDetail | undefined> {
  const letter = await desk.letters.show(id);
  if (letter === undefined) return undefined;
  const { firstFailedAtMs, keptAtMs, stream, sequence, instance, stack, headers } = letter;
  return {
    ...rowOf(letter),
    firstFailedAtMs,
    keptAtMs,
    stream,
    sequence,
    instance,
    stack: stack && redactedText(stack),
    headers: headers.map(headerView),
    payload: viewOf(letter, desk.showsPayloads),
  };
}

function viewOf({ gone, data }: LetterDetails, shows: boolean): PayloadView {
  if (gone) return goneView();
  return shows ? payloadView(data) : hiddenView(data);
}

function rowOf(letter: Omit<LetterSummary, "storedAtMs" | "returnTo">): LetterRow {
  const { id, handler, reason, message, place, subject, attempts, redriven, lastFailedAtMs, version } = letter;
  return {
    id,
    handler,
    reason,
    message: redactedText(message),
    place,
    subject,
    attempts,
    redriven,
    lastFailedAtMs,
    version,
  };
}

interface Found {
  readonly found: LetterRow[];
  readonly searched?: LetterList["searched"];
}

async function matching(desk: Desk, all: readonly LetterRow[], filter: LetterFilter): Promise<Found> {
  const { handler, reason, group, upTo = Number.POSITIVE_INFINITY, words = "" } = filter;
  const fitting = all.filter(
    (row) =>
      row.id <= upTo &&
      (handler === undefined || row.handler === handler) &&
      (reason === undefined || row.reason === reason) &&
      (group === undefined || groupKey(row) === group),
  );
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return { found: fitting };
  const isIn = (text: string) => text.toLowerCase().includes(wanted);
  const told = new Set(
    fitting.filter((row) => isIn(`${row.message}\n${row.subject}\n${row.handler}\n${row.place ?? ""}`)),
  );
  const others = fitting.filter((row) => !told.has(row));
  const looked = desk.showsPayloads ? others.slice(0, MOST_SEARCHED) : [];
  const inside = await payloadsWith(desk, looked, isIn);
  const found = fitting.filter((row) => told.has(row) || inside.has(row.id));
  return { found, searched: { payloads: looked.length, of: others.length } };
}

/** S2. */
async function payloadsWith(
  desk: Desk,
  rows: readonly LetterRow[],
  isIn: (text: string) => boolean,
): Promise<Set<number>> {
  const found = new Set<number>();
  for (let at = 0; at < rows.length; at += READ_AT_ONCE) {
    const shown = rows.slice(at, at + READ_AT_ONCE).map(({ id }) => showLetter(desk, id));
    for (const letter of await Promise.all(shown)) {
      if (letter === undefined) continue;
      const headers = letter.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
      if (isIn(`${letter.payload.text}\n${headers}`)) found.add(letter.id);
    }
  }
  return found;
}
