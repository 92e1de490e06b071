// Starts workers out of a small process of its own.
//
// A fork copies the page tables of the process it happens in: from a supervisor of 130 MB it held up every handler for
// 12 to 23 ms each time a worker was started; this one has nobody waiting.
//
// F1  Only a help: until it is up, while it does not answer, once it is gone, and where a start fails, the supervisor starts
//     workers itself.
// F2  When it ends, the workers it started are ended too: nobody would learn of their end any more. It is not their fault.
// F3  In a session of its own, as its workers are: Ctrl-C in a terminal reaches the supervisor alone, which drains.
// F4  It answers soon: with a process, or, after one was killed, that it is there to tell of the end. Without an answer for
//     LATE_MS it is not asked for processes until it answers; without one for STUCK_MS more it is ended, for F2's reason.

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../clock.ts";
import { NOT_ITS_FAULT } from "../message/outcome.ts";
import type { ProcessEnd } from "./exit.ts";
import { FORK_SERVER_PROGRAM, type ForkAnswer, type ForkRequest } from "./fork-server-program.ts";
import type { ProcessStart, StartedProcess } from "./started-process.ts";

/** What is known so far of a process that was asked for. */
interface Child {
  pid: number;
  readonly sockets: Socket[];
  readonly born: PromiseWithResolvers<StartedProcess | undefined>;
  readonly ended: PromiseWithResolvers<ProcessEnd>;
  /** Whoever asked for it waits no more: it is ended when it comes. */
  isGivenUp: boolean;
}

/** Of a server that ran. `stuckMs`: for so long it had not answered, and was ended for that. */
export interface ForkServerEnd {
  readonly stuckMs: number | undefined;
}

type State = "booting" | "up" | "late" | "gone";

const LITTLE_MEMORY = ["--max-old-space-size=32", "--max-semi-space-size=1"];
const LATE_MS = 2_000;
const STUCK_MS = 8_000;

export class ForkServer {
  readonly pid: number;
  /** Resolves when it has ended, or could not be started. */
  readonly ended: Promise<ForkServerEnd>;
  private readonly server: ChildProcess;
  private readonly clock: Clock;
  private readonly onLate: (ms: number) => void;
  private readonly children = new Map<number, Child>();
  /** Numbers of what it has been asked and has not answered. */
  private readonly asked = new Set<number>();
  private patience: Timer | undefined;
  private nextId = 1;
  private state: State = "booting";
  private stuckMs: number | undefined;

  /** `onLate`: it has not answered for so long, and is not asked any more for now. */
  constructor(env: Readonly<Record<string, string>>, clock: Clock, onLate: (ms: number) => void = () => {}) {
    this.clock = clock;
    this.onLate = onLate;
    this.server = spawn(process.execPath, [...LITTLE_MEMORY, "-e", FORK_SERVER_PROGRAM], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env,
      detached: true,
    });
    this.pid = this.server.pid ?? -1;
    this.server.on("message", (answer: ForkAnswer, handle) => this.onAnswer(answer, handle as Socket | undefined));
    this.ended = new Promise((resolve) => {
      const end = () => resolve({ stuckMs: this.stuckMs });
      this.server.once("error", end);
      this.server.once("exit", end);
    });
    this.ended.then(() => this.onGone());
  }

  get isUp(): boolean {
    return this.state === "up";
  }

  /** Undefined when it is not to be had: the caller starts the process itself (F1). Never rejects. */
  start(start: ProcessStart): Promise<StartedProcess | undefined> {
    if (!this.isUp) return Promise.resolve(undefined);
    const id = this.nextId++;
    const child: Child = {
      pid: -1,
      sockets: [],
      born: Promise.withResolvers(),
      ended: Promise.withResolvers(),
      isGivenUp: false,
    };
    this.children.set(id, child);
    this.ask({ id, ...start });
    return child.born.promise;
  }

  /** Ends it, and with it every worker it started. Resolves when it has ended. */
  async close(): Promise<void> {
    this.server.kill("SIGKILL");
    await this.ended;
  }

  private onAnswer(answer: ForkAnswer, socket: Socket | undefined): void {
    this.answered(answer.id);
    if ("up" in answer) return;
    const child = this.children.get(answer.id);
    if (child === undefined) {
      socket?.destroy();
      return;
    }
    if ("pid" in answer) child.pid = answer.pid;
    else if ("ended" in answer) this.onEnded(answer.id, child, answer.ended);
    else if (socket !== undefined) this.onSocket(answer.id, child, socket);
  }

  private onSocket(id: number, child: Child, received: Socket): void {
    child.sockets.push(received);
    const [stdout, stderr, socket] = child.sockets;
    if (stdout === undefined || stderr === undefined || socket === undefined) return;
    const kill = (signal: NodeJS.Signals) => {
      if (!this.children.has(id)) return;
      signalTo(child.pid, signal);
      if (signal === "SIGKILL") this.ask({ id: this.nextId++, ping: true });
    };
    if (child.isGivenUp) return kill("SIGKILL");
    child.born.resolve({ pid: child.pid, socket, stdout, stderr, ended: child.ended.promise, kill });
  }

  /** A process that has no descriptors to show for itself was not started, or ended while they were handed over. */
  private onEnded(id: number, child: Child, end: ProcessEnd): void {
    this.children.delete(id);
    child.ended.resolve(end);
    child.born.resolve(undefined);
    const isTaken = child.sockets.length === 3 && !child.isGivenUp;
    for (const socket of isTaken ? [] : child.sockets) socket.destroy();
  }

  /** F4. */
  private ask(request: ForkRequest): void {
    if (this.state === "gone") return;
    this.server.send(request, () => undefined); // Its end tells what went wrong.
    this.asked.add(request.id);
    this.patience ??= this.clock.after(LATE_MS, () => this.late());
  }

  /** Any answer shows that it is alive; those it still owes have their time again. */
  private answered(id: number): void {
    if (this.state === "gone") return;
    this.state = "up";
    this.patience?.cancel();
    this.patience = undefined;
    this.asked.delete(id);
    if (this.asked.size > 0) this.patience = this.clock.after(LATE_MS, () => this.late());
  }

  /** Those who wait for a process start it themselves; one that comes after all is ended. */
  private late(): void {
    this.state = "late";
    for (const child of this.children.values()) if (child.sockets.length < 3) this.giveUp(child);
    this.onLate(LATE_MS);
    this.patience = this.clock.after(STUCK_MS, () => {
      this.stuckMs = LATE_MS + STUCK_MS;
      this.server.kill("SIGKILL");
    });
  }

  private giveUp(child: Child): void {
    child.isGivenUp = true;
    child.born.resolve(undefined);
  }

  /** F2. */
  private onGone(): void {
    this.state = "gone";
    this.patience?.cancel();
    for (const [id, child] of this.children) {
      signalTo(child.pid, "SIGKILL");
      this.onEnded(id, child, { code: null, signal: "SIGKILL", startError: undefined, because: NOT_ITS_FAULT });
    }
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // It has ended, and its end is about to be told.
  }
}
