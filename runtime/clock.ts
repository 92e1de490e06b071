// The only file that touches timers or the time of day. Everything else is given a Clock, so tests can advance time.

export interface Timer {
  /** Forget the timer. Calling twice is safe. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds, for durations. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch, for times of day. */
  nowMs(): number;
  /** Call back once after `delayMs` milliseconds. Delays beyond 24 days are shortened to 24 days. */
  after(delayMs: number, callback: () => void): Timer;
  /** Call back every `intervalMs` milliseconds until cancelled; never keeps the process alive. */
  every(intervalMs: number, callback: () => void): Timer;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  },
};

/** Resolve after `delayMs` milliseconds, or at once when `signal` aborts. Never rejects. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = clock.after(delayMs, finish);
    function finish() {
      timer.cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    }
    signal?.addEventListener("abort", finish, { once: true });
  });
}

/** The promise's value, or "expired" when it has not settled within `limitMs` milliseconds. */
export async function within<T>(clock: Clock, limitMs: number, promise: Promise<T>): Promise<T | "expired"> {
  let timer: Timer | undefined;
  const expired = new Promise<"expired">((resolve) => {
    timer = clock.after(limitMs, () => resolve("expired"));
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    timer?.cancel();
  }
}

/** As `within`, for several: they have the time together, from when the first of them begins. */
export function withinTogether(clock: Clock, limitMs: number) {
  let endMs: number | undefined;
  return <T>(promise: Promise<T>): Promise<T | "expired"> => {
    endMs ??= clock.monotonicMs() + limitMs;
    return within(clock, Math.max(0, endMs - clock.monotonicMs()), promise);
  };
}
