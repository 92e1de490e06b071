// Writes the live log: keeps the width of the name column as handlers appear.

import type { Emit, LogLevel } from "../events.ts";
import { formatEvent } from "./dev-log.ts";
import type { Paint } from "./paint.ts";

export interface DevLogOptions {
  readonly paint: Paint;
  /** Asked at each line: the window can be resized. */
  readonly columns: () => number;
  /** Asked at each line: the configuration can change. */
  readonly level: () => LogLevel;
  readonly write: (text: string) => void;
}

/** Longer names push their line to the right rather than everybody's. */
const WIDEST_NAME = 28;

export function createDevLog({ paint, columns, level, write }: DevLogOptions): Emit {
  let nameWidth = 0;
  return (event) => {
    if (event.type === "handler.discovered" && event.handler.length <= WIDEST_NAME) {
      nameWidth = Math.max(nameWidth, event.handler.length);
    }
    const text = formatEvent(event, { paint, columns: columns(), level: level(), nameWidth });
    if (text !== undefined) write(`${text}\n`);
  };
}
