// Sees to it that a handler's planned times are met, in one replica of many. Nobody leads: each replica comes to each time,
// looks whether it has been seen to, and sees to it if not.
//
// T1  What is to run is marked before its message goes out, and again when it is out. Whoever finds it marked and not out sends
//     it too, under the same id, by which its stream knows it: so it goes out whoever dies, and nothing that was not decided on.
// T2  A message that no stream keeps has no such id: only who marked it sends it.
// T3  Where there is no mark, the schedule is new: it begins now, and nothing has been missed. So it is where another
//     schedule has taken its place meanwhile: it has been left alone, and the other has been marked since.
// T4  What goes wrong is tried again until it is well; what is then missed is made up for as the schedule says.
// T5  A run does not begin before the one before it has ended, retries included: its time waits, and is missed in the end.

import { type Clock, delay } from "../clock.ts";
import type { Schedule } from "../metadata/handler-metadata.ts";
import { nextPlanned } from "../metadata/planned-times.ts";
import { type Due, dueRun, LATE_MS } from "./due.ts";
import type { Progress, SentRun } from "./mark-book.ts";

/** How far the schedule was when it was read. */
export interface Mark {
  /** Undefined: it has never been seen to. */
  readonly progress: Progress | undefined;
  /** Whether it is the one of the handler's schedules that was marked last. */
  readonly isNewest: boolean;
}

export interface Marks<Read extends Mark = Mark> {
  /** Undefined: the schedule is no more. */
  read(): Promise<Read | undefined>;
  /** Only where nobody has written since. Resolves with whether it was written. */
  write(progress: Progress, after: Read): Promise<boolean>;
}

export interface TickerOptions {
  readonly schedule: Schedule;
  readonly marks: Marks;
  /** Whether a stream keeps the messages (T1, T2). */
  readonly isStored: () => boolean | Promise<boolean>;
  /** Send the message of a planned time. Rejects when that cannot be known to have been done. */
  readonly send: (plannedMs: number) => Promise<SentRun | undefined>;
  /** T5. Rejects when it cannot be said. */
  readonly hasEnded: (run: SentRun) => Promise<boolean>;
  /** A time that the clock of the NATS server, on which all replicas agree, has surely reached. */
  readonly reachedMs: () => number;
  /** Resolves when that clock has reached a time, or earlier, to be asked again; at once when `signal` aborts. */
  readonly until: (atMs: number, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** This replica saw to a planned time. */
  readonly onMet: (plannedMs: number) => void;
  /** `count` planned times are not made up for. */
  readonly onPassedOver: (count: number) => void;
  readonly onTrouble: (error: unknown) => void;
}

const AGAIN_MS = 1_000;
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 1_000;

/** Before the next look. */
type Pause = { readonly afterMs: number } | { readonly untilMs: number };

const NONE: Pause = { afterMs: 0 };

export class Ticker {
  private readonly options: TickerOptions;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  /** Before the next look at a run that has not ended. */
  private lookMs = FIRST_LOOK_MS;
  private hasBegun = false;

  constructor(options: TickerOptions) {
    this.options = options;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when nothing is sent any more. Never rejects. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const pause = await this.tick().catch((error: unknown) => {
        this.options.onTrouble(error);
        return { afterMs: AGAIN_MS };
      });
      if (pause === undefined) return this.stopping.abort(); // There is no next time, or no schedule any more.
      if ("untilMs" in pause) await this.options.until(pause.untilMs, signal);
      else if (pause.afterMs > 0) await delay(this.options.clock, pause.afterMs, signal);
    }
  }

  private async tick(): Promise<Pause | undefined> {
    const { marks, reachedMs } = this.options;
    const mark = await marks.read();
    if (mark === undefined) return undefined;
    const { progress } = mark;
    const nowMs = reachedMs();
    if (progress === undefined || this.wasReplaced(mark, nowMs)) {
      await marks.write({ doneMs: nowMs }, mark);
      return NONE;
    }
    this.hasBegun = true;
    if (progress.sendingMs === undefined) return this.seeTo(progress, mark, nowMs);
    await this.send(progress.sendingMs, progress, mark);
    return NONE;
  }

  /** T3. A replica that runs has been there all the time. */
  private wasReplaced({ progress, isNewest }: Mark, nowMs: number): boolean {
    if (this.hasBegun || isNewest || progress === undefined) return false;
    const nextMs = nextPlanned(this.options.schedule.times, progress.doneMs);
    return nextMs !== undefined && nowMs - nextMs > LATE_MS;
  }

  /** T5. */
  private async isFree(run: SentRun | undefined): Promise<boolean> {
    return run === undefined || this.options.hasEnded(run);
  }

  private lookAgain(): Pause {
    const afterMs = this.lookMs;
    this.lookMs = Math.min(afterMs * 2, LAST_LOOK_MS);
    return { afterMs };
  }

  private untilNext(afterMs: number): Pause | undefined {
    const untilMs = nextPlanned(this.options.schedule.times, afterMs);
    return untilMs === undefined ? undefined : { untilMs };
  }

  /** What has come since. */
  private async seeTo(progress: Progress, mark: Mark, nowMs: number): Promise<Pause | undefined> {
    const due = dueRun(this.options.schedule, progress.doneMs, nowMs);
    if (due === undefined) return this.untilNext(Math.max(nowMs, progress.doneMs));
    if (due.runMs !== undefined && !(await this.isFree(progress.run))) return this.lookAgain();
    this.lookMs = FIRST_LOOK_MS;
    if (!this.stopping.signal.aborted) await this.decide(due, progress, mark);
    return NONE;
  }

  /** Whoever is first has decided. */
  private async decide({ runMs, doneMs, passedOver }: Due, { run }: Progress, mark: Mark): Promise<void> {
    const { marks, isStored, send, onMet, onPassedOver } = this.options;
    const keeps = await isStored();
    const sendingMs = keeps ? runMs : undefined;
    if (!(await marks.write({ doneMs, run, sendingMs }, mark))) return;
    if (passedOver > 0) onPassedOver(passedOver);
    if (keeps || runMs === undefined) return;
    await send(runMs); // T2.
    onMet(runMs);
  }

  /** T1. */
  private async send(sendingMs: number, { doneMs }: Progress, mark: Mark): Promise<void> {
    const { marks, send, onMet } = this.options;
    const run = await send(sendingMs);
    if (await marks.write({ doneMs, run }, mark)) onMet(sendingMs);
  }
}
