// What `ctx.publish` gives: a promise that knows whether the author looks at how it ends. A failure that was looked at is
// the author's to judge; one that nobody awaits fails the delivery.

export class Confirmation extends Promise<undefined> {
  /** What `then` makes is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  private isWatched = false;

  /** Also called by `await`, because this is no plain promise (ECMAScript, PromiseResolve). */
  // biome-ignore lint/suspicious/noThenProperty: that is the point
  override then<A = undefined, B = never>(
    onDone?: ((value: undefined) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isWatched = true;
    return super.then(onDone, onFailed);
  }

  /** Resolves when the publish has ended; rejects when it failed and nobody looks. */
  settled(): Promise<undefined> {
    return super.then(undefined, (error) => {
      if (!this.isWatched) throw error;
      return undefined;
    });
  }
}
