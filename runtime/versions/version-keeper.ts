// Keeps the versions that serve, off the way of messages: one after another, a moment after they went live.
//
// V1  A version that was replaced, or did not stay up, before the moment was over is not kept: in `dev` every save is one.
// V2  What cannot be kept is told once for its reason. It changes nothing else; a server that does not answer is asked again.

import type { Bundle } from "../bundle/bundle.ts";
import type { Clock, Timer } from "../clock.ts";
import type { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type ProgramPlace, readProgram } from "./program.ts";
import type { VersionStore } from "./version-store.ts";

export interface VersionKeeperOptions {
  readonly store: Pick<VersionStore, "keep">;
  readonly place: ProgramPlace;
  /** So many of each handler. */
  readonly most: number;
  /** V1: for how long a version must have served. */
  readonly afterMs: number;
  /** Which version of the handler serves now. */
  readonly serving: (handler: string) => string | undefined;
  /** From what the store rejects with; its code NATS_UNREACHABLE: another time may do. */
  readonly explain: (error: unknown, handler: string) => RuntimeError;
  readonly clock: Clock;
  readonly emit: Emit;
}

const AGAIN_MS = 30_000;

export class VersionKeeper {
  private readonly options: VersionKeeperOptions;
  private readonly due = new Map<string, Timer>();
  private readonly told = new Set<string>();
  private keeping: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(options: VersionKeeperOptions) {
    this.options = options;
  }

  /** The version has begun to serve. */
  served(bundle: Bundle, metadata: ResolvedMetadata): void {
    this.keepIn(this.options.afterMs, bundle, metadata);
  }

  /** V1 does not hold: it may be needed at once. Resolves when it is kept, or could not be; never rejects. */
  keepNow(bundle: Bundle, metadata: ResolvedMetadata): Promise<void> {
    this.keeping = this.keeping.then(() => this.keep(bundle, metadata));
    return this.keeping;
  }

  /** Resolves when nothing is being written any more. */
  close(): Promise<void> {
    this.closed = true;
    for (const timer of this.due.values()) timer.cancel();
    this.due.clear();
    return this.keeping;
  }

  private keepIn(delayMs: number, bundle: Bundle, metadata: ResolvedMetadata): void {
    if (this.closed) return;
    const { handler } = bundle;
    this.due.get(handler)?.cancel();
    const timer = this.options.clock.after(delayMs, () => {
      this.due.delete(handler);
      this.keeping = this.keeping.then(() => this.keep(bundle, metadata));
    });
    this.due.set(handler, timer);
  }

  private async keep(bundle: Bundle, metadata: ResolvedMetadata): Promise<void> {
    const { store, place, most, serving, clock, emit } = this.options;
    const { handler, version } = bundle;
    const serves = () => !this.closed && serving(handler) === version;
    if (!serves()) return; // V1
    const runtime = place.made === "build" ? place.runtime : "";
    const one = { version, servedMs: clock.nowMs(), made: place.made, runtime, metadata };
    try {
      const isNew = await store.keep(handler, one, most, () => readProgram(bundle, place));
      if (isNew) emit({ type: "version.kept", handler, version });
    } catch (error) {
      if (serves()) this.failed(error, bundle, metadata); // Else its files may just have gone.
    }
  }

  /** V2. */
  private failed(error: unknown, bundle: Bundle, metadata: ResolvedMetadata): void {
    const { explain, emit } = this.options;
    const explained = explain(error, bundle.handler);
    if (explained.code === "NATS_UNREACHABLE") return this.keepIn(AGAIN_MS, bundle, metadata);
    const { message, remedy = "" } = explained;
    const reason = message.replaceAll(bundle.handler, "");
    if (this.told.has(reason)) return;
    this.told.add(reason);
    const lost = "`handlers rollback` will not find it";
    emit({ type: "runtime.notice", level: "warn", message: `${message}; ${lost}. ${remedy}`.trimEnd() });
  }
}
