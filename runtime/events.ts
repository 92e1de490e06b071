// Everything the runtime tells: one union. Whoever reports calls the `emit` it was given; logs, metrics and tests listen.

import type { RuntimeError } from "./errors.ts";
import type { Hold, HoldReason } from "./message/hold.ts";
import type { OutcomeKind } from "./message/outcome.ts";
import type { HandlerKind } from "./metadata/handler-metadata.ts";

/** From the quietest to the loudest. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type RuntimeEvent =
  | { readonly type: "runtime.ready"; readonly serving: number; readonly failed: number; readonly durationMs: number }
  | { readonly type: "runtime.draining"; readonly graceMs: number }
  | { readonly type: "runtime.stopped"; readonly unfinished: readonly string[] }
  | { readonly type: "runtime.notice"; readonly level: LogLevel; readonly message: string }
  | { readonly type: "nats.connected"; readonly server: string; readonly version: string; readonly jetstream: boolean }
  | { readonly type: "nats.disconnected"; readonly server: string }
  | { readonly type: "nats.reconnected"; readonly server: string; readonly afterMs: number }
  | { readonly type: "nats.error"; readonly error: RuntimeError }
  | { readonly type: "handler.discovered"; readonly handler: string; readonly file: string }
  | { readonly type: "handler.removed"; readonly handler: string }
  | { readonly type: "handler.state"; readonly handler: string; readonly from: string; readonly to: string }
  | {
      readonly type: "handler.serving";
      readonly handler: string;
      readonly kind: HandlerKind;
      readonly subject: string;
      readonly version: string;
      /** "start": first version; "reload": replaced one; "restart": after a crash; "wake": was idle. */
      readonly why: "start" | "reload" | "restart" | "wake";
      /** From the noticed change (or the start) until live. */
      readonly durationMs: number;
    }
  | {
      /** A version could not go live. `serving` is the version that still serves, if one does. */
      readonly type: "handler.failed";
      readonly handler: string;
      readonly error: RuntimeError;
      readonly serving: string | undefined;
      /** The handlers that the same mistake, in a module they share, holds back too. */
      readonly others?: readonly string[];
    }
  | {
      /** It builds, but its compiler has something to say. Told once for a place in the sources. */
      readonly type: "handler.warned";
      readonly handler: string;
      readonly warning: RuntimeError;
    }
  | {
      /** It keeps dying and is set aside; it comes back by a save, by `handlers enable`, or after the cool-down. */
      readonly type: "handler.quarantined";
      readonly handler: string;
      readonly error: RuntimeError;
      readonly coolDownMs: number;
    }
  | { readonly type: "handler.disabled"; readonly handler: string; readonly by: string; readonly reason: string }
  | { readonly type: "handler.enabled"; readonly handler: string }
  | {
      /** An operator has it serve a kept version instead of its own, which is `from`. */
      readonly type: "handler.rolled-back";
      readonly handler: string;
      readonly version: string;
      readonly from: string;
      readonly by: string;
      readonly reason: string;
    }
  | {
      /** It serves its own version: the operator's word was taken back, or does not concern the build that is there now. */
      readonly type: "handler.rollback-over";
      readonly handler: string;
      readonly version: string;
      readonly why: "taken-back" | "another-build";
    }
  /** Its program is where every replica can get it. */
  | {
      /** A new version has a share of the messages, beside the version `before`. */
      readonly type: "canary.began";
      readonly handler: string;
      readonly version: string;
      readonly before: string;
      readonly percent: number;
    }
  | {
      /** It has done no worse than the version before, and takes all messages. */
      readonly type: "canary.passed";
      readonly handler: string;
      readonly version: string;
      readonly before: string;
      readonly figures: string;
    }
  | {
      /** It did worse: the version before takes all messages again, on every replica. */
      readonly type: "canary.returned";
      readonly handler: string;
      readonly version: string;
      readonly before: string;
      readonly reason: string;
    }
  | { readonly type: "version.kept"; readonly handler: string; readonly version: string }
  /** Its messages do not reach it, and the cause is not in the handler. */
  | ({ readonly type: "handler.held"; readonly handler: string } & Hold)
  | {
      readonly type: "handler.released";
      readonly handler: string;
      readonly reason: HoldReason;
      readonly afterMs: number;
    }
  | { readonly type: "handler.bound"; readonly handler: string; readonly kind: HandlerKind; readonly subject: string }
  | { readonly type: "handler.unbound"; readonly handler: string; readonly subject: string }
  /** The message of a planned time was published, by this replica. */
  | {
      readonly type: "schedule.met";
      readonly handler: string;
      /** Of a schedule that the handler has made. */
      readonly key?: string;
      readonly plannedMs: number;
    }
  /** So many planned times are not made up for. */
  | { readonly type: "schedule.passed-over"; readonly handler: string; readonly key?: string; readonly count: number }
  | {
      readonly type: "generation.retired";
      readonly handler: string;
      readonly version: string;
      readonly drained: boolean;
    }
  | {
      /** A delivery that did not simply return. Successful ones are only counted. */
      readonly type: "delivery.failed";
      readonly handler: string;
      readonly version: string;
      readonly subject: string;
      readonly id: string;
      readonly attempt: number;
      /** Of the message's W3C trace context, where it has one. */
      readonly traceId: string | undefined;
      readonly outcome: OutcomeKind;
      readonly error: RuntimeError;
      /** What was done with the message: "replied 500", "will be retried in 1000 ms", "dropped". */
      readonly settled: string;
    }
  | {
      readonly type: "delivery.cancelled";
      readonly handler: string;
      readonly id: string;
      readonly subject: string;
      readonly by: string;
      /** So long it had run when it was to end. */
      readonly ranMs: number;
    }
  | { readonly type: "delivery.dropped"; readonly handler: string; readonly count: number; readonly why: string }
  | {
      readonly type: "worker.exited";
      readonly handler: string;
      readonly pid: number;
      readonly version: string;
      readonly expected: boolean;
      readonly error: RuntimeError | undefined;
      readonly inFlight: number;
      readonly restartInMs: number | undefined;
    }
  | {
      readonly type: "handler.log";
      readonly handler: string;
      readonly version: string;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>> | undefined;
      /** The message being handled when the line was written, if any. */
      readonly messageId: string | undefined;
      readonly attempt: number | undefined;
      /** Of the message's W3C trace context, where it has one. */
      readonly traceId?: string | undefined;
    }
  | {
      readonly type: "handler.output";
      readonly handler: string;
      readonly version: string;
      readonly stream: "stdout" | "stderr";
      readonly line: string;
    }
  | {
      /** It printed faster than its lines are written. */
      readonly type: "handler.output-dropped";
      readonly handler: string;
      readonly version: string;
      readonly stream: "stdout" | "stderr";
      /** Lines, since it was last told. */
      readonly count: number;
    };

export type Emit = (event: RuntimeEvent) => void;
