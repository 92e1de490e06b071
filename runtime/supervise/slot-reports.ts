// What a slot tells about its handler.

import { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { explainExit } from "../isolate/exit.ts";
import type { SerializedError, WorkerExit } from "../message/outcome.ts";
import { claimsText } from "../metadata/claims.ts";
import type { Generation } from "./generation.ts";
import { whatItLacks } from "./restart-policy.ts";

export type Why = "start" | "reload" | "restart" | "wake";

export class SlotReports {
  private readonly handler: string;
  private readonly emit: Emit;
  /** What is lacking has been told: the tries until it is there are no news. */
  private toldLack: string | undefined;

  constructor(handler: string, emit: Emit) {
    this.handler = handler;
    this.emit = emit;
  }

  serving({ metadata, bundle }: Generation, why: Why, durationMs: number): void {
    const { kind, subjects } = metadata;
    this.toldLack = undefined;
    this.emit({
      type: "handler.serving",
      handler: this.handler,
      kind,
      subject: claimsText(subjects),
      version: bundle.version,
      why,
      durationMs,
    });
  }

  /** Somebody wants to know: what is lacking is told again. */
  askedAnew(): void {
    if (this.toldLack !== "nats") this.toldLack = undefined;
  }

  failed(error: RuntimeError, serving: string | undefined): void {
    const lacks = whatItLacks(error.code);
    const lack = lacks === "stream" ? error.message : lacks;
    if (lack !== undefined && lack === this.toldLack) return;
    this.toldLack = lack;
    this.emit({ type: "handler.failed", handler: this.handler, error, serving });
  }

  lost(generation: Generation, pid: number, error: RuntimeError, restartInMs: number | undefined): void {
    this.emit({
      type: "worker.exited",
      handler: this.handler,
      pid,
      version: generation.bundle.version,
      expected: false,
      error,
      inFlight: generation.route.dispatcher.queued,
      restartInMs,
    });
  }

  retired(generation: Generation, drained: boolean): void {
    this.emit({ type: "generation.retired", handler: this.handler, version: generation.bundle.version, drained });
  }
}

export function exitError(handler: string, file: string, exit: WorkerExit): RuntimeError {
  const code = exit.outOfMemory ? "WORKER_OUT_OF_MEMORY" : "WORKER_CRASHED";
  return new RuntimeError(code, `the worker of handler "${handler}" ${explainExit(exit)}`, {
    handler,
    place: { file },
    stack: exit.lastOutput.join("\n"),
  });
}

export function teardownError(handler: string, file: string, { message, stack }: SerializedError): RuntimeError {
  const text = `the \`teardown\` of handler "${handler}" failed: ${message}`;
  return new RuntimeError("HANDLER_THREW", text, { handler, place: { file }, ...(stack === "" ? {} : { stack }) });
}
