// What a worker prints, on its way to the author's log. What Node prints of its inspector, when we have asked for that, is
// for us.

import type { Clock } from "../clock.ts";
import { isNoise } from "./exit.ts";
import { OutputCapture } from "./output.ts";
import type { StartedProcess } from "./started-process.ts";
import type { WorkerListener } from "./worker-source.ts";

export class WorkerOutput {
  /** Known once it is told which handler it is; what is printed before is kept for the exit alone. */
  listener: Pick<WorkerListener, "output" | "outputDropped"> | undefined;
  /** Resolves when both streams have ended and every line was handed out. */
  readonly ended: Promise<unknown>;
  private readonly stderr: OutputCapture;
  private onInspectorUrl: ((url: string) => void) | undefined;

  constructor({ stdout, stderr }: Pick<StartedProcess, "stdout" | "stderr">, clock: Clock) {
    const captured = (stream: "stdout" | "stderr", isAuthors: (line: string) => boolean) => ({
      isWanted: isAuthors,
      onLine: (line: string) => this.listener?.output(stream, line),
      onDropped: (count: number) => this.listener?.outputDropped(stream, count),
    });
    const out = new OutputCapture(
      stdout,
      clock,
      captured("stdout", () => true),
    );
    const isAuthors = (line: string) => !this.isInspectorsWord(line) && !isNoise(line);
    this.stderr = new OutputCapture(stderr, clock, captured("stderr", isAuthors));
    this.ended = Promise.all([out.ended, this.stderr.ended]);
  }

  /** The last lines of stderr, oldest first. */
  get lastErrors(): readonly string[] {
    return this.stderr.last;
  }

  /** Resolves with the address of the inspector when Node has told it. */
  inspectorUrl(): Promise<string> {
    return new Promise((resolve) => {
      this.onInspectorUrl = resolve;
    });
  }

  private isInspectorsWord(line: string): boolean {
    if (this.onInspectorUrl === undefined) return false;
    const [, url] = /^Debugger listening on (ws:\/\/\S+)$/.exec(line) ?? [];
    if (url !== undefined) this.onInspectorUrl(url);
    return url !== undefined || /^(For help, see: https:\/\/nodejs|Debugger attached\.|Debugger ending on )/.test(line);
  }
}
