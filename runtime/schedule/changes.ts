// Makes, replaces and takes away schedules in the timetable. Two that do so at once for one key do it one after the other.

import type { MadeSchedule, TimetableEntry } from "./timetable-entry.ts";
import { entryOf } from "./timetable-entry.ts";
import type { ScheduledContent, TimetableStore } from "./timetable-store.ts";

type Store = Pick<TimetableStore, "read" | "write" | "remove">;

/** Each time somebody else has written: others that make it, or a replica that notes a run. */
const MOST_TRIES = 50;

/** Rejects with the client's errors, and when others write all the time. */
export async function makeSchedule(
  store: Store,
  token: string,
  { made, content, nowMs }: { readonly made: MadeSchedule; readonly content: ScheduledContent; readonly nowMs: number },
): Promise<void> {
  for (let tried = 0; tried < MOST_TRIES; tried++) {
    const { entry: before, revision } = await store.read(token);
    const entry: TimetableEntry = entryOf(made, before, nowMs);
    if (await store.write(token, entry, content, revision)) return;
  }
  throw tooBusy();
}

/** Resolves with whether there was one. Rejects with the client's errors, and when others write all the time. */
export async function removeSchedule(store: Store, token: string): Promise<boolean> {
  for (let tried = 0; tried < MOST_TRIES; tried++) {
    const { revision } = await store.read(token);
    if (revision === 0) return false;
    if (await store.remove(revision)) return true;
  }
  throw tooBusy();
}

function tooBusy(): Error {
  return new Error(`others have changed it ${MOST_TRIES} times meanwhile`);
}
