// Captures a worker's stdout or stderr line by line. A flood slows down the worker that writes it, and nobody else:
// when a window's budget is used up the pipe is not read until the next window, and the writer blocks on it.

import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Clock, Timer } from "../clock.ts";

const WINDOW_MS = 100;
const LINES_PER_WINDOW = 500;
const BYTES_PER_WINDOW = 128 * 1024;
const MAX_LINE_CHARS = 8_192;
const KEPT_LINES = 20;

export class OutputCapture {
  private readonly decoder = new StringDecoder("utf8");
  private readonly stream: Readable;
  private readonly onLine: (line: string) => boolean;
  private readonly clock: Clock;
  private rest = "";
  private lines = 0;
  private bytes = 0;
  private windowEndsMs = 0;
  private resume: Timer | undefined;
  /** The last lines, oldest first. */
  readonly last: string[] = [];
  /** Resolves when the stream has ended and every line was handed out. */
  readonly ended: Promise<void>;

  /** @param onLine says whether the line is one to keep */
  constructor(stream: Readable, clock: Clock, onLine: (line: string) => boolean) {
    this.stream = stream;
    this.clock = clock;
    this.onLine = onLine;
    this.ended = new Promise((resolve) => {
      stream.on("data", (chunk: Buffer) => this.read(chunk));
      stream.once("close", () => {
        this.resume?.cancel();
        this.line(this.rest + this.decoder.end());
        resolve();
      });
      stream.on("error", () => undefined); // "close" follows, and that is what ends the capture.
    });
  }

  private read(chunk: Buffer): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs >= this.windowEndsMs) {
      this.windowEndsMs = nowMs + WINDOW_MS;
      this.lines = 0;
      this.bytes = 0;
    }
    const parts = (this.rest + this.decoder.write(chunk)).split("\n");
    this.rest = parts.pop() ?? "";
    for (const part of parts) this.line(part);
    if (this.rest.length > MAX_LINE_CHARS) {
      this.line(this.rest);
      this.rest = "";
    }
    this.lines += parts.length;
    this.bytes += chunk.length;
    if (this.lines > LINES_PER_WINDOW || this.bytes > BYTES_PER_WINDOW) this.pauseUntil(this.windowEndsMs - nowMs);
  }

  private pauseUntil(waitMs: number): void {
    this.stream.pause();
    this.resume?.cancel();
    this.resume = this.clock.after(waitMs, () => this.stream.resume());
  }

  private line(text: string): void {
    const trimmed = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (trimmed === "") return;
    const bounded = trimmed.length > MAX_LINE_CHARS ? `${trimmed.slice(0, MAX_LINE_CHARS)}...` : trimmed;
    if (this.onLine(bounded)) this.last.push(bounded);
    if (this.last.length > KEPT_LINES) this.last.shift();
  }
}
