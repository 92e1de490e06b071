// What a worker prints, on its way to the author's log. What Node prints of its inspector, when we have asked for that, is
// for us.

import type { Clock } from "../clock.ts";
import { OUTPUT_MARK } from "../wire/protocol.ts";
import type { CpuShortage } from "./cpu-shortage.ts";
import { isNoise } from "./exit.ts";
import { OutputCapture } from "./output.ts";
import type { StartedProcess } from "./started-process.ts";
import type { WorkerListener } from "./worker-source.ts";

type OutputListener = Pick<WorkerListener, "output" | "outputDropped">;
type Stream = "stdout" | "stderr";

export class WorkerOutput {
  /** Known once it is told which handler it is; what is printed before is kept for the exit alone. */
  listener: OutputListener | undefined;
  /** By channel, where there are several handlers. */
  listenerOf: ((channel: number) => OutputListener | undefined) | undefined;
  /** Resolves when both streams have ended and every line was handed out. */
  readonly ended: Promise<unknown>;
  private readonly stderr: OutputCapture;
  /** Channels of those who print. */
  private readonly printing = { stdout: 0, stderr: 0 };
  private onInspectorUrl: ((url: string) => void) | undefined;

  constructor(
    started: Pick<StartedProcess, "stdout" | "stderr">,
    clock: Clock,
    cpuShortage: Pick<CpuShortage, "isCrowded">,
  ) {
    const capture = (stream: Stream, isAuthors: (line: string) => boolean) => {
      const listener = {
        isWanted: (line: string) => !this.isMark(stream, line) && isAuthors(line),
        onLine: (line: string) => this.readerOf(stream)?.output(stream, line),
        onDropped: (count: number) => this.readerOf(stream)?.outputDropped(stream, count),
      };
      return new OutputCapture(started[stream], listener, clock, cpuShortage);
    };
    const stdout = capture("stdout", () => true);
    this.stderr = capture("stderr", (line) => !this.isInspectorsWord(line) && !isNoise(line));
    this.ended = Promise.all([stdout.ended, this.stderr.ended]);
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

  private readerOf(stream: Stream): OutputListener | undefined {
    return this.listenerOf?.(this.printing[stream]) ?? this.listener;
  }

  /** Who prints from now on (worker/on-behalf-of.ts). */
  private isMark(stream: Stream, line: string): boolean {
    if (this.listenerOf === undefined || !line.startsWith(OUTPUT_MARK)) return false;
    this.printing[stream] = Number(line.slice(OUTPUT_MARK.length));
    return true;
  }

  private isInspectorsWord(line: string): boolean {
    if (this.onInspectorUrl === undefined) return false;
    const [, url] = /^Debugger listening on (ws:\/\/\S+)$/.exec(line) ?? [];
    if (url !== undefined) this.onInspectorUrl(url);
    return url !== undefined || /^(For help, see: https:\/\/nodejs|Debugger attached\.|Debugger ending on )/.test(line);
  }
}
