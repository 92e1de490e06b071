// Writes the live log. What formatting cannot know from one event alone is kept here: the width of the name column, and
// what was said last of each handler.

import type { Emit, RuntimeEvent } from "../events.ts";
import type { Paint } from "../terminal/paint.ts";
import { levelOf, textOf } from "./event-rows.ts";
import { handlerOf, isTold, type Threshold } from "./log-level.ts";

export interface DevLogOptions {
  readonly paint: Paint;
  /** Asked at each line: the window can be resized. */
  readonly columns: () => number;
  /** Asked at each line: the configuration can change. */
  readonly level: Threshold;
  readonly nowMs: () => number;
  readonly write: (text: string) => void;
}

/** Longer names push their line to the right rather than everybody's. */
const WIDEST_NAME = 28;
/** Editors write a file more than once for one save; the same failure so soon after is not news. */
const SAME_SAVE_MS = 500;

export function createDevLog({ paint, columns, level, nowMs, write }: DevLogOptions): Emit {
  const lastFailures = new Map<string, { text: string; atMs: number }>();
  let nameWidth = 0;
  return (event) => {
    if (event.type === "handler.discovered" && event.handler.length <= WIDEST_NAME) {
      nameWidth = Math.max(nameWidth, event.handler.length);
    }
    if (!isTold(levelOf(event), level(handlerOf(event)))) return;
    const text = textOf(event, { paint, columns: columns(), nameWidth });
    if (!isRepeated(event, text)) write(`${text}\n`);
  };

  function isRepeated(event: RuntimeEvent, text: string): boolean {
    if (event.type === "handler.serving" || event.type === "handler.removed") lastFailures.delete(event.handler);
    if (event.type !== "handler.failed") return false;
    const last = lastFailures.get(event.handler);
    const atMs = nowMs();
    lastFailures.set(event.handler, { text, atMs });
    return last !== undefined && last.text === text && atMs - last.atMs < SAME_SAVE_MS;
  }
}
