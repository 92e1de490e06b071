// Workers without processes, for the stories of supervise/: a source that hands them out, and what a test says their
// bundles do.

import { pathToFileURL } from "node:url";
import { BundleFault, exitAsError } from "../../runtime/isolate/bundle-fault.ts";
import type { HandlerWorker, StoppedWorker, WorkerSource } from "../../runtime/isolate/worker-source.ts";
import type { Delivery } from "../../runtime/message/delivery.ts";
import type { WorkerExit } from "../../runtime/message/outcome.ts";
import type { WorkerEvents } from "../../runtime/message/worker-port.ts";
import type { LoadedModule, LoadRequest, StartRequest } from "../../runtime/wire/protocol.ts";

/** What a version does when it is loaded and set up. */
export interface FakeModule {
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Resolves when its top level has been evaluated; rejects with what it throws. */
  readonly evaluate?: () => Promise<void>;
  readonly setup?: () => Promise<void>;
}

const CRASH: WorkerExit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };

export class FakeWorker implements HandlerWorker {
  readonly pid: number;
  readonly exited: Promise<WorkerExit>;
  readonly memoryMiB: number;
  /** Path of the bundle it was told to load. */
  bundle = "";
  /** In the order they were handed over. */
  readonly handed: { readonly id: number; readonly seq: number }[] = [];
  isGone = false;
  private events: WorkerEvents | undefined;
  private end: (exit: WorkerExit) => void = () => {};
  private readonly moduleAt: (url: string) => FakeModule;

  constructor(pid: number, memoryMiB: number, moduleAt: (url: string) => FakeModule) {
    this.pid = pid;
    this.memoryMiB = memoryMiB;
    this.moduleAt = moduleAt;
    this.exited = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  load(request: LoadRequest): Promise<LoadedModule> {
    this.bundle = request.url;
    return this.unlessGone("import", async () => {
      const { metadata, evaluate } = this.moduleAt(request.url);
      await evaluate?.();
      return { metadata, defaultExport: "function" };
    });
  }

  inspect(request: LoadRequest): Promise<LoadedModule> {
    return this.load(request);
  }

  start(_request: StartRequest, events: WorkerEvents): Promise<void> {
    this.events = events;
    return this.unlessGone("setup", async () => this.moduleAt(this.bundle).setup?.());
  }

  deliver(id: number, { seq }: Delivery): void {
    this.handed.push({ id, seq });
  }

  deliverBatch(id: number, deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.deliver(id, delivery);
  }

  /** The message that was handed over at that place, from 0, returned. */
  returned(at: number): void {
    this.events?.done(this.handed[at]!.id, 1);
  }

  /** It dies of its own doing. */
  crash(changes: Partial<WorkerExit> = {}): void {
    if (this.isGone) return;
    this.isGone = true;
    const exit = { ...CRASH, ...changes };
    this.events?.exited(exit);
    this.end(exit);
  }

  terminate(because?: string): void {
    this.crash({ code: null, signal: "SIGKILL", killedBecause: because });
  }

  async stop(): Promise<StoppedWorker> {
    this.crash({ code: 0 });
    return { exit: await this.exited, teardownError: undefined, killed: false };
  }

  abort(): void {}
  setDebugger(): void {}
  async whereBlocked(): Promise<undefined> {}

  private unlessGone<T>(where: "import" | "setup", step: () => Promise<T>): Promise<T> {
    const gone = this.exited.then((exit): never => {
      throw new BundleFault("exit", exitAsError(exit));
    });
    const done = step().catch((error: Error) => {
      throw new BundleFault(where, { name: error.name, message: error.message, stack: error.stack ?? "" });
    });
    done.catch(() => undefined);
    gone.catch(() => undefined);
    return Promise.race([done, gone]);
  }
}

export class FakeWorkers implements WorkerSource {
  /** All that were taken, in order. */
  readonly taken: FakeWorker[] = [];
  private readonly modules = new Map<string, FakeModule>();

  /** What the bundle at that path does. */
  add(path: string, module: FakeModule): void {
    this.modules.set(pathToFileURL(path).href, module);
  }

  get alive(): FakeWorker[] {
    return this.taken.filter(({ isGone }) => !isGone);
  }

  async take(memoryMiB: number): Promise<FakeWorker> {
    const worker = new FakeWorker(this.taken.length + 1, memoryMiB, (url) => {
      const module = this.modules.get(url);
      if (module === undefined) throw new Error(`no test has said what ${url} does`);
      return module;
    });
    this.taken.push(worker);
    return worker;
  }

  /** No story of a slot has a group: groups.test.ts has shared processes of its own. */
  async share(): Promise<never> {
    throw new Error("no test has said what is shared");
  }
}
