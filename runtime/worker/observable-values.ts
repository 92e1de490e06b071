// The values of an Observable, as whoever moves from NestJS returns them. RxJS is not imported: an Observable is what looks like one.
//
// V1  It is subscribed to once, when its first value is asked for. Whoever asks no further unsubscribes.

interface Observer {
  next(value: unknown): void;
  error(reason: unknown): void;
  complete(): void;
}

export interface ObservableLike {
  subscribe(observer: Observer): { unsubscribe(): void };
}

export function isObservable(value: unknown): value is ObservableLike {
  if (typeof value !== "object" || value === null) return false;
  const { subscribe, pipe } = value as { subscribe?: unknown; pipe?: unknown };
  return typeof subscribe === "function" && typeof pipe === "function";
}

/** V1 */
export async function* valuesOf(observable: ObservableLike): AsyncGenerator<unknown> {
  const values: unknown[] = [];
  let end: { readonly failed: boolean; readonly reason: unknown } | undefined;
  let news = Promise.withResolvers<void>();
  const subscription = observable.subscribe({
    next(value) {
      values.push(value);
      news.resolve();
    },
    error(reason) {
      end = { failed: true, reason };
      news.resolve();
    },
    complete() {
      end = { failed: false, reason: undefined };
      news.resolve();
    },
  });
  try {
    for (;;) {
      while (values.length > 0) yield values.shift();
      if (end?.failed === true) throw end.reason;
      if (end !== undefined) return;
      await news.promise;
      news = Promise.withResolvers();
    }
  } finally {
    subscription.unsubscribe();
  }
}

/** Whoever handles an event is done when its Observable is. */
export async function runOut(observable: ObservableLike): Promise<undefined> {
  for await (const _value of valuesOf(observable));
  return undefined;
}
