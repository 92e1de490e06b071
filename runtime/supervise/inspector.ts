// Looks at what bundles export without giving each a process: they are evaluated one after another in one worker. One
// that hangs it or kills it is blamed, and the rest go on in a new one.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";
import type { Clock, Timer } from "../clock.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { Emit } from "../events.ts";
import { declaredEnvironment } from "../isolate/environment.ts";
import type { WorkerPool } from "../isolate/pool.ts";
import type { WorkerListener, WorkerProcess } from "../isolate/worker-process.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { awaitLoad } from "./candidate.ts";
import { checkExports } from "./exports.ts";
import { guessProfile } from "./profile.ts";

export interface InspectorOptions {
  readonly rootDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  /** What was found out when the handler was built; undefined: it is to be evaluated. */
  readonly known: (handler: string) => ResolvedMetadata | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pool: WorkerPool;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** What the evaluated bundles have left behind in the worker goes with it, once nobody asks any more. */
const KEPT_MS = 2_000;

export class Inspector {
  private readonly options: InspectorOptions;
  private worker: WorkerProcess | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private end: Timer | undefined;

  constructor(options: InspectorOptions) {
    this.options = options;
  }

  /** The metadata, checked. Rejects with a RuntimeError that says where. */
  look(file: HandlerFile, bundle: Bundle): Promise<ResolvedMetadata> {
    const known = this.options.known(file.name);
    if (known !== undefined) return Promise.resolve(known);
    const next = this.turn.then(() => this.evaluate(file, bundle));
    this.turn = next.catch(() => undefined); // Whoever asked hears of it.
    return next;
  }

  /** End the worker as soon as those have their answer who have asked so far. It is started again when asked for. */
  rest(): void {
    this.turn = this.turn.then(() => this.close());
  }

  /** End the worker. */
  close(): void {
    this.end?.cancel();
    this.worker?.terminate();
    // It has been killed, though it may not have ended yet: whoever asks now gets another.
    this.worker = undefined;
  }

  private async evaluate(file: HandlerFile, bundle: Bundle): Promise<ResolvedMetadata> {
    const { pool, defaults, environment, rootDir, clock, startTimeoutMs } = this.options;
    this.end?.cancel();
    const source = await readFile(file.path, "utf8").catch(() => "");
    const { values: env } = declaredEnvironment(guessProfile(source, defaults).env, environment);
    this.worker ??= await this.take(pool, defaults.memoryMiB);
    const request = { handler: file.name, url: pathToFileURL(bundle.path).href, env, cwd: rootDir };
    const step = this.worker.inspect(request, this.listener());
    const { signal } = new AbortController();
    try {
      const options = { file, rootDir, clock, startTimeoutMs, signal };
      const loaded = await awaitLoad(this.worker, step, "import", options).catch((error: unknown) => {
        // It has been killed, though it may not have ended yet: the next one is not to be blamed for that.
        this.worker = undefined;
        throw error;
      });
      return checkExports(loaded, { file, source, defaults });
    } finally {
      this.end = clock.after(KEPT_MS, () => this.close());
    }
  }

  private async take(pool: WorkerPool, memoryMiB: number): Promise<WorkerProcess> {
    const worker = await pool.take(memoryMiB);
    worker.exited.then(() => {
      if (this.worker === worker) this.worker = undefined;
    });
    return worker;
  }

  private listener(): WorkerListener {
    const { emit } = this.options;
    return {
      log: () => undefined,
      call: async () => ({ ok: false, code: 503, message: "handlers are only inspected, not run" }),
      output: (stream, line) => emit({ type: "handler.output", handler: "inspection", version: "", stream, line }),
    };
  }
}
