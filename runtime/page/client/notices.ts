// What has come of what was done, said for a while.

import { signal } from "@preact/signals";
import { Refused } from "./api.ts";

export interface Notice {
  readonly id: number;
  readonly tone: "good" | "bad";
  readonly text: string;
  readonly remedy?: string | undefined;
}

export const notices = signal<readonly Notice[]>([]);

const SHOWN_MS = 6_000;
let last = 0;

export function tell(text: string): void {
  add({ tone: "good", text });
}

/** Stays until it is put away. */
export function tellError(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  add({ tone: "bad", text, remedy: error instanceof Refused ? error.remedy : undefined });
}

export function putAway(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

function add(notice: Omit<Notice, "id">): void {
  const id = ++last;
  notices.value = [...notices.value, { ...notice, id }].slice(-4);
  if (notice.tone === "good") setTimeout(() => putAway(id), SHOWN_MS);
}
