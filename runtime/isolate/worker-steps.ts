// How far a worker has come: booted, told which handler it is, set up, told to stop. Each step is a promise that ends with
// the frame that says so, or with the process.

import type { SerializedError, WorkerExit } from "../message/outcome.ts";
import { FrameType, jsonBody, type LoadedModule } from "../wire/protocol.ts";
import { BundleFault, bootFailure, exitAsError } from "./bundle-fault.ts";

type Phase =
  | { readonly kind: "booting"; resolve(): void }
  | { readonly kind: "warm" }
  | { readonly kind: "loading"; resolve(module: LoadedModule): void; reject(error: SerializedError): void }
  | { readonly kind: "loaded" }
  | { readonly kind: "starting"; resolve(): void; reject(error: SerializedError): void }
  | { readonly kind: "ready" }
  | { readonly kind: "stopping" };

export class WorkerSteps {
  /** Resolves when the process has booted; rejects with a RuntimeError when it ended before. */
  readonly booted: Promise<void>;
  /** Resolves when it has been torn down; never where it ends before. */
  readonly stopped: Promise<void>;
  /** What its `teardown` threw. */
  teardownError: SerializedError | undefined;
  private readonly exited: Promise<WorkerExit>;
  private phase: Phase = { kind: "warm" };
  private readonly tornDown = Promise.withResolvers<void>();

  constructor(exited: Promise<WorkerExit>) {
    this.exited = exited;
    this.stopped = this.tornDown.promise;
    this.booted = new Promise((resolve, reject) => {
      this.phase = { kind: "booting", resolve };
      exited.then((exit) => reject(bootFailure(exit)), reject);
    });
    this.booted.catch(() => undefined); // Whoever takes the worker awaits it; a pool may drop it unused.
  }

  /** It is told to import a bundle. Rejects with a BundleFault when that throws, or ends the process. */
  load(): Promise<LoadedModule> {
    return this.step<LoadedModule>("import", (resolve, reject) => {
      this.phase = { kind: "loading", resolve, reject };
    });
  }

  /** It has only been looked at, and may be told to import another. */
  putBack(): void {
    this.phase = { kind: "warm" };
  }

  /** It is told to set the handler up. Rejects with a BundleFault when that throws, or ends the process. */
  start(): Promise<void> {
    return this.step<void>("setup", (resolve, reject) => {
      this.phase = { kind: "starting", resolve, reject };
    });
  }

  stop(): void {
    this.phase = { kind: "stopping" };
  }

  get isReady(): boolean {
    return this.phase.kind === "ready";
  }

  get isStopping(): boolean {
    return this.phase.kind === "stopping";
  }

  /** Throws a RangeError for a frame that does not fit to how far it has come. */
  onFrame(type: number, bytes: Buffer, start: number, end: number): void {
    const { phase } = this;
    if (type === FrameType.hello && phase.kind === "booting") {
      this.phase = { kind: "warm" };
      return phase.resolve();
    }
    if (type === FrameType.loaded && phase.kind === "loading") {
      this.phase = { kind: "loaded" };
      return phase.resolve(jsonBody<LoadedModule>(bytes, start, end));
    }
    if (type === FrameType.loadFailed && (phase.kind === "loading" || phase.kind === "starting")) {
      return phase.reject(jsonBody<{ error: SerializedError }>(bytes, start, end).error);
    }
    if (type === FrameType.ready && phase.kind === "starting") {
      this.phase = { kind: "ready" };
      return phase.resolve();
    }
    if (type === FrameType.stopped) {
      this.teardownError = jsonBody<SerializedError | null>(bytes, start, end) ?? undefined;
      return this.tornDown.resolve();
    }
    throw new RangeError(`frame type ${type} in phase "${phase.kind}"`);
  }

  private step<T>(
    where: "import" | "setup",
    enter: (resolve: (value: T) => void, reject: (error: SerializedError) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      enter(resolve, (error) => reject(new BundleFault(where, error)));
      this.exited.then((exit) => reject(new BundleFault("exit", exitAsError(exit))), reject);
    });
  }
}
