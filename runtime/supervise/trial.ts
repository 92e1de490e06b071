// One process in which bundles are looked at, one after another: what each exports, and what it leaves behind.

import { pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";
import { type Clock, within } from "../clock.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { Emit } from "../events.ts";
import { BundleFault, exitAsError } from "../isolate/bundle-fault.ts";
import type { HandlerWorker, WorkerListener } from "../isolate/worker-source.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { LoadedModule } from "../wire/protocol.ts";
import { awaitLoad } from "./candidate.ts";
import { checkExports } from "./check-exports.ts";
import { faultError } from "./load-fault.ts";

/** What is to be looked at, and the environment it is to see. */
export interface Subject {
  readonly file: HandlerFile;
  readonly bundle: Bundle;
  readonly source: string;
  readonly memoryMiB: number;
  readonly env: Readonly<Record<string, string>>;
  /** Names of the variables it may be given, set or not. */
  readonly envNames: readonly string[];
}

export interface TrialOptions {
  readonly rootDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  /** Also what they take and publish as JSON Schemas. */
  readonly describe?: boolean | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

export interface Looked {
  readonly metadata: ResolvedMetadata;
  readonly aftermath: NonNullable<LoadedModule["aftermath"]>;
  readonly outside: LoadedModule["outside"];
}

const NEVER = new AbortController().signal;

export class Trial {
  /** Resolves when its process has ended, whatever ended it. */
  readonly ended: Promise<unknown>;
  /** How many bundles it has been given. */
  looks = 0;
  private readonly worker: HandlerWorker;
  private readonly options: TrialOptions;

  constructor(worker: HandlerWorker, options: TrialOptions) {
    this.worker = worker;
    this.options = options;
    this.ended = worker.exited;
  }

  /** Rejects with a RuntimeError that says where; the process is at its end then. */
  async look(subject: Subject): Promise<Looked> {
    const { rootDir, defaults, clock, startTimeoutMs } = this.options;
    const { file, source } = subject;
    this.looks++;
    const loaded = await awaitLoad(this.worker, this.inspect(subject), "import", {
      file,
      sourcesDir: rootDir,
      clock,
      startTimeoutMs,
      signal: NEVER,
    });
    const { aftermath = "clean", outside } = loaded;
    return { metadata: checkExports(loaded, { file, source, defaults }), aftermath, outside };
  }

  /**
   * The error when the process does not live on for that long. Never rejects. A busy machine may not have let it run in that time: so it
   * is asked once more, which it answers after all that is due by then, and has that long again for it.
   */
  async diesWithin(limitMs: number, subject: Subject): Promise<Error | undefined> {
    const { clock, rootDir } = this.options;
    const { exited } = this.worker;
    let exit = await within(clock, limitMs, exited);
    if (exit === "expired") {
      const answered = this.inspect(subject).then(
        () => "expired" as const,
        () => exited,
      );
      exit = await within(clock, limitMs, answered);
    }
    if (exit === "expired") return undefined;
    const fault = new BundleFault("exit", exitAsError(exit));
    return faultError(fault, "afterwards", { file: subject.file, sourcesDir: rootDir });
  }

  end(): void {
    this.worker.terminate();
  }

  private inspect(subject: Subject): Promise<LoadedModule> {
    const { rootDir, describe = false } = this.options;
    const { file, bundle, env } = subject;
    const [url, ...preload] = [bundle.path, ...bundle.preload].map((path) => pathToFileURL(path).href);
    const request = { handler: file.name, url: url!, preload, env, cwd: rootDir, describe };
    return this.worker.inspect(request, this.listenerFor(subject));
  }

  private listenerFor({ file, bundle }: Subject): WorkerListener {
    const { emit } = this.options;
    const about = { handler: file.name, version: bundle.version };
    return {
      log: () => undefined,
      call: async () => ({ ok: false, code: 503, message: "handlers are only inspected, not run" }),
      store: async () => ({ ok: false, code: 503, message: "handlers are only inspected, not run" }),
      output: (stream, line) => emit({ type: "handler.output", ...about, stream, line }),
      outputDropped: (stream, count) => emit({ type: "handler.output-dropped", ...about, stream, count }),
    };
  }
}
