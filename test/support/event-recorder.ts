// Keeps the events a test's subject emits, so that the test awaits what happens instead of sleeping.

import type { RuntimeEvent } from "../../runtime/events.ts";

export type Told<T extends RuntimeEvent["type"]> = Extract<RuntimeEvent, { type: T }>;

/** An `emit` that keeps what it is told, and lets a test wait for it. */
export function eventRecorder() {
  const events: RuntimeEvent[] = [];
  const waiting: (() => void)[] = [];
  return {
    events,
    emit(event: RuntimeEvent) {
      events.push(event);
      for (const wake of waiting.splice(0)) wake();
    },
    /** The first event of this type from now on, or since `from`. */
    async next<T extends RuntimeEvent["type"]>(type: T, from = events.length): Promise<Told<T>> {
      for (;;) {
        const found = events.slice(from).find((event): event is Told<T> => event.type === type);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    /** The first notice of these words, from now on: others may be told before it. */
    async notice(words: RegExp): Promise<Told<"runtime.notice">> {
      for (let at = events.length; ; ) {
        const event = events[at];
        if (event === undefined) await new Promise<void>((resolve) => waiting.push(resolve));
        else if (event.type === "runtime.notice" && words.test(event.message)) return event;
        else at++;
      }
    },
  };
}
