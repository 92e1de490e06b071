import type { NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { watchConnection } from "../../../runtime/nats/connection-health.ts";
import { eventRecorder } from "../../support/event-recorder.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const LOOKS_EVERY_MS = 2_500;
const WAITS_MS = 5_000;

function watched() {
  const clock = fakeClock();
  const { events, emit } = eventRecorder();
  const answers: (() => void)[] = [];
  let hungUp = 0;
  const connection = {
    status: async function* () {
      await new Promise(() => undefined); // Nothing happens to it.
    },
    flush: () => new Promise<void>((resolve) => answers.push(resolve)),
    isClosed: () => false,
    protocol: { transport: { socket: { destroy: () => hungUp++ } } },
  };
  watchConnection({ connection: connection as unknown as NatsConnection, emit, clock });
  const advance = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { events, answers, advance, hungUp: () => hungUp };
}

it("a server that does not answer is left", async () => {
  const { events, advance, hungUp } = watched();
  await advance(LOOKS_EVERY_MS);
  await advance(WAITS_MS - 1);
  expect(hungUp()).toBe(0);
  await advance(1);
  await advance(LOOKS_EVERY_MS / 10);
  expect(hungUp()).toBe(1);
  expect(events).toMatchObject([
    { type: "runtime.notice", message: "NATS did not answer within 5000 ms; connecting anew" },
  ]);
});

it("a runtime that was itself frozen reads the answer that came meanwhile, and keeps its connection", async () => {
  const { events, answers, advance, hungUp } = watched();
  await advance(LOOKS_EVERY_MS);
  await advance(60_000); // Timers are due before anything is read.
  for (const answer of answers) answer();
  await advance(0);
  await advance(LOOKS_EVERY_MS / 10);
  expect(hungUp()).toBe(0);
  expect(events).toEqual([]);
});
