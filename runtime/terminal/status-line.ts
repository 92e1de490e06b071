// One line that is written over in place, for what takes a while. Only on a terminal: elsewhere nothing is shown.

import type { Output } from "./terminal.ts";

export class StatusLine {
  private readonly output: Output;
  private shown = "";

  constructor(output: Output) {
    this.output = output;
  }

  show(line: string): void {
    if (!this.output.isTerminal || line === this.shown) return;
    this.shown = line;
    this.output.write(`\r${line}\x1b[K`);
  }

  /** Clear it, to be followed by what became of it. */
  end(): void {
    if (this.shown !== "") this.output.write("\r\x1b[K");
    this.shown = "";
  }
}
