// A bar that grows in place, for what takes a while. Only on a terminal: elsewhere nothing is shown.

import type { Output } from "./terminal.ts";

const WIDEST = 30;

export class Progress {
  private readonly output: Output;
  private readonly total: number;
  private shown = "";

  constructor(output: Output, total: number) {
    this.output = output;
    this.total = total;
  }

  update(done: number): void {
    if (!this.output.isTerminal) return;
    const line = barLine(done, this.total, this.output.columns);
    if (line === this.shown) return;
    this.shown = line;
    this.output.write(`\r${line}\x1b[K`);
  }

  /** Clear it, to be followed by what became of it. */
  end(): void {
    if (this.shown !== "") this.output.write("\r\x1b[K");
    this.shown = "";
  }
}

/** `█████░░░░░ 512 of 1024`, as wide as there is room. Pure. */
export function barLine(done: number, total: number, columns: number): string {
  const text = ` ${done} of ${total}`;
  const width = Math.max(0, Math.min(WIDEST, columns - text.length - 1));
  const filled = total === 0 ? width : Math.floor((Math.min(done, total) / total) * width);
  return `${"█".repeat(filled)}${"░".repeat(width - filled)}${text}`;
}
