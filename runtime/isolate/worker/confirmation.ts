// What `ctx.publish` gives: a promise that knows whether the author looks at how it ends. A failure that was looked at is
// the author's to judge; one that nobody awaits fails the delivery.

import { FrameType } from "../protocol.ts";
import type { PendingCall } from "./link.ts";

export class Confirmation extends Promise<undefined> implements PendingCall {
  /** What `then` makes is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly type = FrameType.publish;
  isWatched = false;
  private readonly publishes: Publishes;
  private readonly resolve: (value: undefined) => void;
  private readonly reject: (error: Error) => void;

  constructor(publishes: Publishes) {
    let resolve!: (value: undefined) => void;
    let reject!: (error: Error) => void;
    super((onDone, onFailed) => {
      resolve = onDone;
      reject = onFailed;
    });
    this.publishes = publishes;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Also called by `await`, because this is no plain promise (ECMAScript, PromiseResolve). */
  // biome-ignore lint/suspicious/noThenProperty: that is the point
  override then<A = undefined, B = never>(
    onDone?: ((value: undefined) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isWatched = true;
    return super.then(onDone, onFailed);
  }

  answered(): void {
    this.resolve(undefined);
    this.publishes.ended();
  }

  refused(error: Error): void {
    // Handled here as well, so that a publish nobody awaits fails the delivery and not the process.
    super.then(undefined, () => undefined);
    this.reject(error);
    this.publishes.failed(this, error);
  }
}

/** The publishes of one delivery. It has not returned before they have ended. */
export class Publishes {
  private open = 0;
  private failures: { readonly confirmation: Confirmation; readonly error: Error }[] = [];
  private allEnded: (() => void) | undefined;

  begun(): void {
    this.open++;
  }

  ended(): void {
    if (--this.open === 0) this.allEnded?.();
  }

  failed(confirmation: Confirmation, error: Error): void {
    this.failures.push({ confirmation, error });
    this.ended();
  }

  get areSettled(): boolean {
    return this.open === 0 && this.failures.length === 0;
  }

  /** Resolves when none is on its way any more. Rejects with the failure of one that nobody looks at. */
  async settled(): Promise<void> {
    if (this.open > 0) {
      await new Promise<void>((resolve) => {
        this.allEnded = resolve;
      });
    }
    const unseen = this.failures.find(({ confirmation }) => !confirmation.isWatched);
    if (unseen !== undefined) throw unseen.error;
  }
}
