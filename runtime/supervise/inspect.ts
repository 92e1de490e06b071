// Looks at every handler without serving it: discover, build, evaluate, validate. Needs no NATS.
//
// Bundles are evaluated one after another in one worker; one that hangs it or kills it is blamed, and the rest go on in
// a new one.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import type { Clock } from "../clock.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { scan } from "../discover/scan.ts";
import { type RuntimeError, toRuntimeError } from "../errors.ts";
import { declaredEnvironment } from "../isolate/environment.ts";
import type { WorkerPool } from "../isolate/pool.ts";
import type { WorkerListener, WorkerProcess } from "../isolate/worker-process.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { awaitLoad } from "./candidate.ts";
import { checkExports } from "./exports.ts";
import { guessProfile } from "./profile.ts";
import { SubjectClaims } from "./subject-claims.ts";

export interface InspectOptions {
  readonly rootDir: string;
  readonly handlersDir: string;
  readonly wanted: (name: string) => boolean;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bundler: Bundler;
  readonly pool: WorkerPool;
  readonly clock: Clock;
  readonly listener: WorkerListener;
}

export type InspectedHandler = { readonly name: string; readonly file: string } & (
  | { readonly ok: true; readonly metadata: ResolvedMetadata; readonly bundle: Bundle }
  | { readonly ok: false; readonly error: RuntimeError }
);

export interface Inspection {
  /** Sorted by name. */
  readonly handlers: readonly InspectedHandler[];
  /** What is wrong beside the handlers: files of one name, a missing folder. */
  readonly problems: readonly RuntimeError[];
}

export async function inspectHandlers(options: InspectOptions): Promise<Inspection> {
  const found = await scan(options.rootDir, options.handlersDir);
  const files = found.files.filter(({ name }) => options.wanted(name));
  const built = await Promise.all(files.map((file) => options.bundler.build(file)));
  const inspector = new Inspector(options);
  const handlers: InspectedHandler[] = [];
  for (const [at, file] of files.entries()) {
    const result = built[at]!;
    handlers.push(result.ok ? await inspector.look(file, result.bundle) : failed(file, result.error));
  }
  inspector.close();
  return { handlers, problems: [...found.problems, ...found.conflicts.map(({ error }) => error)] };
}

class Inspector {
  private readonly options: InspectOptions;
  private readonly claims = new SubjectClaims(() => undefined);
  private worker: WorkerProcess | undefined;

  constructor(options: InspectOptions) {
    this.options = options;
  }

  async look(file: HandlerFile, bundle: Bundle): Promise<InspectedHandler> {
    try {
      const metadata = await this.evaluate(file, bundle);
      if (metadata.kind === "request") this.claims.claim(file.name, metadata.subject, file.displayPath);
      return { name: file.name, file: file.displayPath, ok: true, metadata, bundle };
    } catch (error) {
      return failed(file, toRuntimeError(error, `handler "${file.name}" could not be inspected`));
    }
  }

  close(): void {
    this.worker?.terminate();
  }

  private async evaluate(file: HandlerFile, bundle: Bundle): Promise<ResolvedMetadata> {
    const { pool, defaults, environment, rootDir, clock, startTimeoutMs, listener } = this.options;
    const source = await readFile(file.path, "utf8").catch(() => "");
    const { values: env } = declaredEnvironment(guessProfile(source, defaults).env, environment);
    this.worker ??= await this.take(pool, defaults.memoryMiB);
    const request = { handler: file.name, url: pathToFileURL(bundle.path).href, env, cwd: rootDir };
    const step = this.worker.inspect(request, listener);
    const signal = new AbortController().signal;
    return checkExports(
      await awaitLoad(this.worker, step, "import", { file, rootDir, clock, startTimeoutMs, signal }),
      { file, source, defaults },
    );
  }

  private async take(pool: WorkerPool, memoryMiB: number): Promise<WorkerProcess> {
    const worker = await pool.take(memoryMiB);
    worker.exited.then(() => {
      if (this.worker === worker) this.worker = undefined;
    });
    return worker;
  }
}

function failed(file: HandlerFile, error: RuntimeError): InspectedHandler {
  return { name: file.name, file: file.displayPath, ok: false, error };
}
