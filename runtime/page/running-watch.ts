// What runs now, asked of the replicas once a second while somebody looks: one question for all who do. Nothing is recorded for
// it, neither here nor there.

import { delay } from "../clock.ts";
import type { RunningAnywhere } from "../control/client.ts";
import { allRunning } from "../operate/cancel-running.ts";
import type { Desk } from "./desk.ts";
import type { RunningPart } from "./message-answers.ts";

export type OnRunning = (part: RunningPart) => void;

const EVERY_MS = 1_000;
/** What ends sooner is a line of the list before anybody has read it here. */
const LONG_MS = 300;
const MOST_ROWS = 100;

export class RunningWatch {
  private readonly desk: Desk;
  private readonly lookers = new Set<OnRunning>();
  private going = false;

  constructor(desk: Desk) {
    this.desk = desk;
  }

  /** Told every second until the function that is returned is called. */
  look(onRunning: OnRunning): () => void {
    this.lookers.add(onRunning);
    if (!this.going) void this.go();
    return () => void this.lookers.delete(onRunning);
  }

  private async go(): Promise<void> {
    this.going = true;
    while (this.lookers.size > 0) {
      // What went wrong the board tells: it asks the same replicas.
      const found = await allRunning(this.desk).catch(() => undefined);
      if (found !== undefined) {
        const part = partOf(found, this.desk.clock.nowMs());
        for (const looker of this.lookers) looker(part);
      }
      await delay(this.desk.clock, EVERY_MS);
    }
    this.going = false;
  }
}

export function partOf({ running, unsaid }: RunningAnywhere, nowMs: number): RunningPart {
  const long = running.filter(({ ranMs }) => ranMs >= LONG_MS);
  return {
    rows: long.slice(0, MOST_ROWS).map(({ handler, id, origin, subject, attempt, bytes, ranMs, replica }) => ({
      handler,
      id,
      origin,
      subject,
      attempt,
      bytes,
      sinceMs: nowMs - ranMs,
      replica: replica.instance,
    })),
    unsaid: unsaid + Math.max(0, long.length - MOST_ROWS),
  };
}
