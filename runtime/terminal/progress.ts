// A bar that grows in place, for what takes a while.

import { StatusLine } from "./status-line.ts";
import type { Output } from "./terminal.ts";

const WIDEST = 30;

export class Progress {
  private readonly output: Output;
  private readonly total: number;
  private readonly line: StatusLine;

  constructor(output: Output, total: number) {
    this.output = output;
    this.total = total;
    this.line = new StatusLine(output);
  }

  update(done: number): void {
    this.line.show(barLine(done, this.total, this.output.columns));
  }

  /** Clear it, to be followed by what became of it. */
  end(): void {
    this.line.end();
  }
}

/** `█████░░░░░ 512 of 1024`, as wide as there is room. Pure. */
export function barLine(done: number, total: number, columns: number): string {
  const text = ` ${done} of ${total}`;
  const width = Math.max(0, Math.min(WIDEST, columns - text.length - 1));
  const filled = total === 0 ? width : Math.floor((Math.min(done, total) / total) * width);
  return `${"█".repeat(filled)}${"░".repeat(width - filled)}${text}`;
}
