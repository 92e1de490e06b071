// The keyboard: what each key does, for the listener and for the help that shows it.

import { signal } from "@preact/signals";
import { go } from "./place.ts";

export const helpShown = signal(false);

export const KEYS: readonly (readonly [key: string, what: string])[] = [
  ["/", "search"],
  ["j  k", "next and previous row"],
  ["Enter", "open it"],
  ["1 … 6", "handlers, messages, map, dead letters, streams, send"],
  ["p", "hold the messages, and go on"],
  ["Ctrl Enter", "send, where a message is written"],
  ["Esc", "close, or leave the search"],
  ["?", "this help"],
];

const VIEWS = ["/", "/messages", "/map", "/letters", "/streams", "/send"];

export function listenForKeys(): void {
  addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    if (ctrlKey || metaKey || altKey || document.querySelector("dialog[open]") !== null) return;
    const field = target instanceof HTMLElement ? target.closest("input, textarea, select") : null;
    if (field !== null) {
      if (key === "Escape") (field as HTMLElement).blur();
      return;
    }
    if (isTaken(key)) event.preventDefault();
  });
}

function isTaken(key: string): boolean {
  if (key === "?") {
    helpShown.value = true;
    return true;
  }
  if (key === "p") {
    document.querySelector<HTMLElement>("[data-pause]")?.click();
    return true;
  }
  if (key === "/") {
    document.querySelector<HTMLElement>("[data-search]")?.focus();
    return true;
  }
  const view = VIEWS[Number(key) - 1];
  if (view !== undefined) go(view);
  else if (key === "j") step(1);
  else if (key === "k") step(-1);
  else return false;
  return true;
}

function step(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? (by > 0 ? 0 : all.length - 1) : at + by;
  all[next]?.focus();
}
