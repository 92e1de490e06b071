// Captures a worker's stdout or stderr line by line. A flood holds up nobody: neither the supervisor, nor for long the
// worker that prints it.
//
// O1  LINES_PER_WINDOW lines are handed out in a window; what comes faster waits here.
// O2  What finds no room among MOST_WAITING lines is dropped, counted, and told once a second.
// O3  The last lines are known in the end, dropped or not: they say what the process died of.
// O4  BYTES_PER_WINDOW are read in a window, a little more at most: who prints faster than that waits at its pipe. Where cores are
//     short it is FEW_BYTES: most of what comes so fast is dropped anyway, and the others need what it takes to read it.

import type { Readable } from "node:stream";
import type { Clock, Timer } from "../clock.ts";
import type { CpuShortage } from "./cpu-shortage.ts";
import { LineCutter } from "./line-cutter.ts";

const WINDOW_MS = 20;
const LINES_PER_WINDOW = 100;
const BYTES_PER_WINDOW = 256 * 1024;
const FEW_BYTES = 64 * 1024;
const MOST_WAITING = 2_000;
const TELL_DROPPED_MS = 1_000;
const KEPT_LINES = 20;

export interface OutputListener {
  /** Whether the line is to be handed out, and to be kept for the end. Asked once for each. */
  isWanted(line: string): boolean;
  onLine(line: string): void;
  /** So many lines were dropped since this was last told. */
  onDropped(count: number): void;
}

export class OutputCapture {
  /** Resolves when the stream has ended and every line was handed out. */
  readonly ended: Promise<void>;
  private readonly stream: Readable;
  private readonly listener: OutputListener;
  private readonly clock: Clock;
  private readonly cpuShortage: Pick<CpuShortage, "isCrowded">;
  private readonly cutter = new LineCutter();
  private readonly kept: string[] = [];
  private waiting: string[] = [];
  private windowEndsMs = 0;
  private linesLeft = 0;
  private bytesLeft = 0;
  private isPaused = false;
  private nextWindow: Timer | undefined;
  private dropped = 0;
  private telling: Timer | undefined;

  constructor(stream: Readable, listener: OutputListener, clock: Clock, cpuShortage: Pick<CpuShortage, "isCrowded">) {
    this.stream = stream;
    this.clock = clock;
    this.cpuShortage = cpuShortage;
    this.listener = listener;
    this.ended = new Promise((resolve) => {
      stream.on("data", (chunk: Buffer) => this.read(chunk));
      stream.once("close", () => {
        this.end();
        resolve();
      });
      stream.on("error", () => undefined); // "close" follows, and that is what ends the capture.
    });
  }

  /** The last lines, oldest first. */
  get last(): readonly string[] {
    const passedOver = this.cutter.lastPassedOver().filter((line) => this.listener.isWanted(line));
    return [...this.kept, ...passedOver].slice(-KEPT_LINES);
  }

  private read(chunk: Buffer): void {
    this.enterWindow();
    this.bytesLeft -= chunk.length;
    const room = MOST_WAITING + this.linesLeft - this.waiting.length;
    this.drop(this.cutter.cut(chunk, room, (line) => this.waiting.push(line)));
    if (this.bytesLeft < 0 && !this.isPaused) {
      this.isPaused = true;
      this.stream.pause();
    }
    this.handOut();
  }

  private enterWindow(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.windowEndsMs) return;
    this.windowEndsMs = nowMs + WINDOW_MS;
    this.linesLeft = LINES_PER_WINDOW;
    this.bytesLeft = this.cpuShortage.isCrowded ? FEW_BYTES : BYTES_PER_WINDOW;
  }

  /** O1. */
  private handOut(): void {
    const count = Math.min(this.linesLeft, this.waiting.length);
    this.linesLeft -= count;
    for (const line of this.waiting.splice(0, count)) this.line(line);
    if (this.waiting.length === 0 && !this.isPaused) return;
    this.nextWindow ??= this.clock.after(this.windowEndsMs - this.clock.monotonicMs(), () => this.goOn());
  }

  private goOn(): void {
    this.nextWindow = undefined;
    this.enterWindow();
    if (this.isPaused) this.stream.resume();
    this.isPaused = false;
    this.handOut();
  }

  private line(line: string): void {
    if (!this.listener.isWanted(line)) return;
    this.kept.push(line);
    if (this.kept.length > KEPT_LINES) this.kept.shift();
    this.listener.onLine(line);
  }

  /** O2. */
  private drop(count: number): void {
    if (count === 0) return;
    this.dropped += count;
    this.telling ??= this.clock.after(TELL_DROPPED_MS, () => this.tellDropped());
  }

  private tellDropped(): void {
    this.telling?.cancel();
    this.telling = undefined;
    if (this.dropped > 0) this.listener.onDropped(this.dropped);
    this.dropped = 0;
  }

  private end(): void {
    this.nextWindow?.cancel();
    for (const line of this.waiting.splice(0)) this.line(line);
    const last = this.cutter.end();
    if (last !== "") this.line(last);
    this.tellDropped();
  }
}
