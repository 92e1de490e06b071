// Keeps the last lines of the log, and sends new ones to whoever holds a lease.

import type { Clock } from "../clock.ts";
import type { LogLine } from "./control-protocol.ts";

const KEPT_LINES = 500;

export type LineFilter = (line: LogLine) => boolean;

interface Follower {
  readonly matches: LineFilter;
  readonly untilMs: number;
}

export class LogTap {
  private readonly clock: Clock;
  private readonly send: (to: string, line: LogLine) => void;
  private readonly lines: LogLine[] = [];
  private readonly followers = new Map<string, Follower>();

  constructor(clock: Clock, send: (to: string, line: LogLine) => void) {
    this.clock = clock;
    this.send = send;
  }

  add(line: LogLine): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    if (this.followers.size === 0) return;
    const nowMs = this.clock.nowMs();
    for (const [to, follower] of this.followers) {
      if (follower.untilMs < nowMs) this.followers.delete(to);
      else if (follower.matches(line)) this.send(to, line);
    }
  }

  last(count: number, matches: LineFilter): LogLine[] {
    return count <= 0 ? [] : this.lines.filter(matches).slice(-count);
  }

  /** Send to `to` until the lease ends. Asked again for the same subject, the lease is renewed. */
  lease(to: string, matches: LineFilter, leaseMs: number): void {
    if (leaseMs > 0) this.followers.set(to, { matches, untilMs: this.clock.nowMs() + leaseMs });
  }
}
