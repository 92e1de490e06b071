// Who starts the workers' processes: the fork server where there is one that answers, else the supervisor itself.
//
// A fork server that ends or stands still is replaced by another, unless they keep ending.

import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import { ForkServer, type ForkServerEnd } from "./fork-server.ts";
import type { Reaper } from "./reaper.ts";
import { type ProcessStart, type StartedProcess, startProcess } from "./started-process.ts";

export interface StarterOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly reaper: Reaper;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** After so many ends within this time there is no other fork server. */
const MOST_ENDS = 3;
const ENDS_WITHIN_MS = 600_000;

export class ProcessStarter {
  private readonly options: StarterOptions;
  private server: ForkServer | undefined;
  private ends: number[] = [];
  private isClosed = false;

  constructor(options: StarterOptions) {
    this.options = options;
  }

  /** Have a fork server from now on. Call once. */
  startForkServer(): void {
    const { env, clock, reaper } = this.options;
    const server = new ForkServer(env, clock, (ms) => this.notice(lateText(server.pid, ms)));
    this.server = server;
    reaper.track(server.pid, "kill");
    server.ended.then((end) => {
      reaper.untrack(server.pid);
      if (!this.isClosed) this.replace(server, end);
    });
  }

  /** Never rejects: where it cannot be started, the process's `ended` says why. */
  async start(start: ProcessStart): Promise<StartedProcess> {
    return (await this.server?.start(start)) ?? startProcess(start);
  }

  /** Ends the fork server, and with it the workers it started. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.server?.close();
  }

  private replace({ pid }: ForkServer, { stuckMs }: ForkServerEnd): void {
    const nowMs = this.options.clock.monotonicMs();
    this.ends = [...this.ends, nowMs].filter((atMs) => nowMs - atMs < ENDS_WITHIN_MS);
    const isLast = this.ends.length >= MOST_ENDS;
    this.notice(endText(pid, stuckMs, isLast));
    if (isLast) this.server = undefined;
    else this.startForkServer();
  }

  private notice(message: string): void {
    this.options.emit({ type: "runtime.notice", level: "warn", message });
  }
}

function lateText(pid: number, ms: number): string {
  return `the process that starts workers (pid ${pid}) has not answered for ${ms} ms: until it does, the supervisor starts them itself, which that holds up for some milliseconds each time`;
}

function endText(pid: number, stuckMs: number | undefined, isLast: boolean): string {
  const what = stuckMs === undefined ? "has ended" : `has not answered for ${stuckMs} ms and was ended`;
  const next = isLast ? "from now on by the supervisor itself" : "by the supervisor itself until another one is up";
  return `the process that starts workers (pid ${pid}) ${what}, and those it had started with it: they are started again, ${next}`;
}
