// Commands from the bench to its processes, over Node's IPC channel: names, parameters and results are typed by the
// object the process serves. Nothing that is measured goes this way.

import { type ChildProcess, fork } from "node:child_process";

/** What a process can be told to do. `never` accepts any parameter type. */
export type Commands = Record<string, (params: never) => unknown>;

interface Call {
  readonly call: number;
  readonly name: string;
  readonly params: unknown;
}

interface Answer {
  readonly answer: number;
  readonly ok: boolean;
  readonly value: unknown;
}

interface Told {
  readonly told: unknown;
}

/** In the process: serve `commands`, and end when the bench is gone. */
export function serve(commands: Commands): void {
  process.on("disconnect", () => process.exit(0));
  process.on("SIGINT", () => undefined); // The bench closes what it started.
  process.on("message", ({ call, name, params }: Call) => {
    const run = async () => commands[name]?.(params as never);
    run().then(
      (value) => send({ answer: call, ok: true, value }),
      (error: unknown) =>
        send({ answer: call, ok: false, value: error instanceof Error ? error.stack : String(error) }),
    );
  });
}

/** In the process: tell the bench something it did not ask for. */
export function tell(told: unknown): void {
  send({ told });
}

function send(message: Answer | Told): void {
  if (process.connected) process.send?.(message);
}

/** A round lasts seconds. What takes longer hangs, and its name is better than silence. */
const CALL_LIMIT_MS = 120_000;

export class Child<C extends Commands> {
  readonly pid: number;
  onTold: (told: unknown) => void = () => undefined;
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private readonly calls = new Map<number, PromiseWithResolvers<unknown>>();
  private nextCall = 1;

  constructor(url: URL) {
    this.child = fork(url, { serialization: "advanced" });
    this.pid = this.child.pid ?? -1;
    this.child.on("message", (message: Answer | Told) => this.onMessage(message));
    this.exited = new Promise((resolve) => this.child.once("exit", () => resolve()));
    void this.exited.then(() => this.failAll(`process ${this.pid} (${url.pathname.split("/").at(-1)}) ended`));
  }

  call<K extends keyof C & string>(name: K, params: Parameters<C[K]>[0]): Promise<Awaited<ReturnType<C[K]>>> {
    const waiting = Promise.withResolvers<unknown>();
    const call = this.nextCall++;
    this.calls.set(call, waiting);
    this.child.send({ call, name, params } satisfies Call);
    const limit = setTimeout(() => waiting.reject(new Error(`"${name}" took over ${CALL_LIMIT_MS} ms`)), CALL_LIMIT_MS);
    return waiting.promise.finally(() => clearTimeout(limit)) as Promise<Awaited<ReturnType<C[K]>>>;
  }

  /** Let it end, kill it when it does not. */
  async end(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    await this.exited;
    clearTimeout(timer);
  }

  private onMessage(message: Answer | Told): void {
    if ("told" in message) return this.onTold(message.told);
    const waiting = this.calls.get(message.answer);
    this.calls.delete(message.answer);
    if (message.ok) waiting?.resolve(message.value);
    else waiting?.reject(new Error(String(message.value)));
  }

  private failAll(why: string): void {
    for (const waiting of this.calls.values()) waiting.reject(new Error(why));
    this.calls.clear();
  }
}
