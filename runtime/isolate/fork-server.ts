// Starts workers out of a small process of its own.
//
// A fork copies the page tables of the process it happens in: from a supervisor of 130 MB it held up every handler for
// 12 to 23 ms each time a worker was started; this one has nobody waiting.
//
// F1  Only a help: until it is up, once it is gone, and where a start fails, the supervisor starts workers itself.
// F2  When it ends, the workers it started are ended too: nobody would learn of their end any more. It is not their fault.
// F3  In a session of its own, as its workers are: Ctrl-C in a terminal reaches the supervisor alone, which drains.

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { NOT_ITS_FAULT } from "../deliver/outcome.ts";
import type { ProcessEnd } from "./exit.ts";
import { FORK_SERVER_PROGRAM, type ForkAnswer, type ForkRequest } from "./fork-server-program.ts";
import type { ProcessStart, StartedProcess } from "./started-process.ts";

/** What is known so far of a process that was asked for. */
interface Child {
  pid: number;
  readonly sockets: Socket[];
  readonly born: PromiseWithResolvers<StartedProcess | undefined>;
  readonly ended: PromiseWithResolvers<ProcessEnd>;
}

const LITTLE_MEMORY = ["--max-old-space-size=32", "--max-semi-space-size=1"];

export class ForkServer {
  readonly pid: number;
  /** Resolves when it has ended, or could not be started. */
  readonly ended: Promise<void>;
  private readonly server: ChildProcess;
  private readonly children = new Map<number, Child>();
  private nextId = 1;
  private state: "booting" | "up" | "gone" = "booting";

  constructor(env: Readonly<Record<string, string>>) {
    this.server = spawn(process.execPath, [...LITTLE_MEMORY, "-e", FORK_SERVER_PROGRAM], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env,
      detached: true,
    });
    this.pid = this.server.pid ?? -1;
    this.server.on("message", (answer: ForkAnswer, handle) => this.onAnswer(answer, handle as Socket | undefined));
    this.ended = new Promise((resolve) => {
      this.server.once("error", () => resolve());
      this.server.once("exit", () => resolve());
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
    };
    this.children.set(id, child);
    this.server.send({ id, ...start } satisfies ForkRequest, () => undefined); // Its end tells what went wrong.
    return child.born.promise;
  }

  /** Ends it, and with it every worker it started. Resolves when it has ended. */
  close(): Promise<void> {
    this.server.kill("SIGKILL");
    return this.ended;
  }

  private onAnswer(answer: ForkAnswer, socket: Socket | undefined): void {
    if ("up" in answer) {
      if (this.state === "booting") this.state = "up";
      return;
    }
    const child = this.children.get(answer.id);
    if (child === undefined) return;
    if ("pid" in answer) child.pid = answer.pid;
    else if ("ended" in answer) this.onEnded(answer.id, child, answer.ended);
    else if (socket !== undefined) this.onSocket(answer.id, child, socket);
  }

  private onSocket(id: number, child: Child, received: Socket): void {
    child.sockets.push(received);
    const [stdout, stderr, socket] = child.sockets;
    if (stdout === undefined || stderr === undefined || socket === undefined) return;
    const kill = (signal: NodeJS.Signals) => {
      if (this.children.has(id)) signalTo(child.pid, signal);
    };
    child.born.resolve({ pid: child.pid, socket, stdout, stderr, ended: child.ended.promise, kill });
  }

  /** A process that has no descriptors to show for itself was not started, or ended while they were handed over. */
  private onEnded(id: number, child: Child, end: ProcessEnd): void {
    this.children.delete(id);
    child.ended.resolve(end);
    child.born.resolve(undefined);
    for (const socket of child.sockets.length < 3 ? child.sockets : []) socket.destroy();
  }

  /** F2. */
  private onGone(): void {
    this.state = "gone";
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
