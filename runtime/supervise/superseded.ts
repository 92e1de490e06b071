// What ends a step that newer code, or the operator, has made pointless.

/** Nobody needs to hear of it. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}

/** What the promise gives. Rejects with Superseded as soon as the signal aborts; the promise goes on by itself then. */
export async function unlessSuperseded<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(new Superseded());
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
