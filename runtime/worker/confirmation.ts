// What `ctx.publish` gives: a promise that knows whether the author looks at how it ends. A failure that was looked at is
// the author's to judge; one that nobody awaits fails the delivery.

import { isUnavailable, UNAVAILABLE } from "../message/unavailable.ts";
import { FrameType } from "../wire/protocol.ts";
import type { PendingCall } from "./link.ts";

export class Confirmation extends Promise<undefined> implements PendingCall {
  /** What `then` makes is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly type: number;
  isWatched = false;
  private readonly publishes: Publishes;
  private readonly resolve: (value: undefined) => void;
  private readonly reject: (error: Error) => void;

  constructor(publishes: Publishes, type: number = FrameType.publish) {
    let resolve!: (value: undefined) => void;
    let reject!: (error: Error) => void;
    super((onDone, onFailed) => {
      resolve = onDone;
      reject = onFailed;
    });
    this.type = type;
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

  refused(error: Error & { readonly code?: number }): void {
    if (isUnavailable(error.code ?? 0)) error.name = UNAVAILABLE;
    // Handled here as well, so that a publish nobody awaits fails the delivery and not the process.
    super.then(undefined, () => undefined);
    this.reject(error);
    this.publishes.failed(this, error);
  }
}

/** The publishes of one delivery. It has not returned before they have ended; it has failed with the first one unseen. */
export class Publishes {
  private open = 0;
  private failures: { readonly confirmation: Confirmation; readonly error: Error }[] = [];
  private known: (() => void) | undefined;

  begun(): void {
    this.open++;
  }

  ended(): void {
    if (--this.open === 0) this.known?.();
  }

  failed(confirmation: Confirmation, error: Error): void {
    this.failures.push({ confirmation, error });
    if (!confirmation.isWatched) this.known?.();
    this.ended();
  }

  get areSettled(): boolean {
    return this.open === 0 && this.failures.length === 0;
  }

  /**
   * Resolves when none is on its way any more. Rejects as soon as one has failed that nobody looks at, as a handler does
   * that awaits it. To be called once the handler's function has ended: until then it may look.
   */
  async settled(): Promise<void> {
    if (this.open > 0 && this.unseen.length === 0) {
      await new Promise<void>((resolve) => {
        this.known = resolve;
      });
    }
    const [first, ...more] = this.unseen;
    if (first !== undefined) throw more.length === 0 ? first : withCount(first, more.length);
  }

  private get unseen(): Error[] {
    return this.failures.filter(({ confirmation }) => !confirmation.isWatched).map(({ error }) => error);
  }
}

function withCount(error: Error, more: number): Error {
  const message = `${error.message} (and ${more} more ${more === 1 ? "publish" : "publishes"} failed)`;
  return Object.assign(new Error(message), { name: error.name, code: (error as { code?: unknown }).code });
}
