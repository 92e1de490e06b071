// Handlers by their folders, as the list shows them. Pure.

import { claimOn, claims } from "../../metadata/claims.ts";
import type { HandlerRow } from "../answers.ts";

export interface Folder {
  /** `todo`; empty: those beside the folders. */
  readonly name: string;
  readonly handlers: readonly HandlerRow[];
  readonly rate: number;
  readonly pending: number;
  readonly failed: number;
  /** Handlers that need somebody. */
  readonly troubled: number;
  readonly off: number;
}

export type Show = "all" | "trouble" | "off";

export interface HandlerFilter {
  readonly words: string;
  readonly show: Show;
}

/** More handlers than this, and folders begin closed. */
export const FEW = 40;

/** One that serves an earlier version, as its last save did not come up, is in trouble too: its author waits for what they wrote. */
export function isTroubled({ tone, lastFailure }: Pick<HandlerRow, "tone" | "lastFailure">): boolean {
  return tone === "bad" || tone === "stuck" || lastFailure !== undefined;
}

export function folderOf(name: string): string {
  const slash = name.lastIndexOf("/");
  return slash === -1 ? "" : name.slice(0, slash);
}

export function foldersOf(rows: readonly HandlerRow[]): Folder[] {
  const byFolder = Map.groupBy(rows, ({ name }) => folderOf(name));
  const sum = (handlers: readonly HandlerRow[], value: (row: HandlerRow) => number) =>
    handlers.reduce((total, row) => total + value(row), 0);
  return [...byFolder]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, handlers]) => ({
      name,
      handlers,
      rate: sum(handlers, ({ rate }) => rate),
      pending: sum(handlers, ({ pending }) => pending ?? 0),
      failed: sum(handlers, ({ failed }) => failed),
      troubled: handlers.filter(isTroubled).length,
      off: handlers.filter(({ tone }) => tone === "off").length,
    }));
}

export function isMeant({ words, show }: HandlerFilter): (row: HandlerRow) => boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => {
    if (show === "trouble" && !isTroubled(row)) return false;
    if (show === "off" && row.tone !== "off") return false;
    const text = `${row.name} ${row.subject ?? ""} ${row.kind ?? ""} ${row.state}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
}

/** What a subject's handlers are, for those who send to it. */
export function takersOf(rows: readonly HandlerRow[], subject: string): HandlerRow[] {
  return rows.filter((row) => claimOn(claims(row), subject) !== undefined);
}
