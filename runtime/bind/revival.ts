// Looks up a consumer that was lost, and makes it anew if need be, for as long as it takes.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { Timer } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { HoldBoard } from "../message/hold.ts";
import { type DurableSpec, type EnsuredDurable, ensureDurable } from "../streams/durable-consumer.ts";
import { noAnswerHold } from "./consumer-watch.ts";
import type { StreamDeps } from "./stream-deps.ts";

export interface RevivalOptions {
  readonly deps: StreamDeps;
  readonly jsm: JetStreamManager;
  readonly spec: DurableSpec;
  readonly holds: HoldBoard;
  /** It is there. */
  readonly onAlive: (durable: EnsuredDurable) => void;
  /** A try was in vain; the next one comes by itself. */
  readonly onFault: (error: unknown) => void;
  /** The stream is not there any more. Each time that is found. */
  readonly onStreamGone: () => void;
}

const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 15_000;
/** One that takes longer is told as a hold. */
const HELD_AFTER_MS = 1_000;

/** One that was begun; another one, or `stop`, ends it. */
interface Attempt {
  readonly why: string;
  next?: Timer;
}

export class Revival {
  private readonly options: RevivalOptions;
  private attempt: Attempt | undefined;

  constructor(options: RevivalOptions) {
    this.options = options;
  }

  /** @param why empty when the connection came back: nothing to tell then */
  begin(why: string): void {
    this.stop();
    this.attempt = { why };
    void this.try(this.attempt, FIRST_WAIT_MS);
  }

  stop(): void {
    this.attempt?.next?.cancel();
    this.attempt = undefined;
  }

  private async try(attempt: Attempt, waitMs: number): Promise<void> {
    const { deps, jsm, spec } = this.options;
    try {
      const durable = await ensureDurable(deps.connection, jsm, spec);
      if (durable.how === "created") this.tellCreated(attempt.why);
      if (this.attempt !== attempt) return;
      this.attempt = undefined;
      this.options.onAlive(durable);
    } catch (error) {
      if (this.attempt === attempt) this.failed(attempt, error, waitMs);
    }
  }

  private failed(attempt: Attempt, error: unknown, waitMs: number): void {
    const { deps, spec, holds, onFault, onStreamGone } = this.options;
    onFault(error);
    if (error instanceof RuntimeError && error.code === "STREAM_MISSING") onStreamGone();
    if (waitMs >= HELD_AFTER_MS) holds.begin(noAnswerHold(spec, (error as Error).message));
    const nextMs = Math.min(waitMs * 2, LAST_WAIT_MS);
    attempt.next = deps.clock.after(waitMs, () => void this.try(attempt, nextMs));
  }

  private tellCreated(why: string): void {
    const { deps, spec } = this.options;
    const { durable, stream, handler } = spec;
    const reason = why === "" ? "it was gone after a reconnect" : `the server says: ${why}`;
    const what =
      spec.ofReplica === true
        ? `goes on where it was for handler "${handler}"`
        : `everything still stored for handler "${handler}" is delivered again`;
    const message = `durable "${durable}" of stream "${stream}" was removed (${reason}) and is made anew; ${what}`;
    deps.notices.tell(`recreated ${durable}`, "warn", message);
  }
}
