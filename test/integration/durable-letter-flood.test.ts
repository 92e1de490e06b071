// Dead letters of `event` handlers: nothing holds their messages back, so what is on its way is bounded.

import { expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { DeadLetters } from "../../runtime/dead-letters/dead-letters.ts";
import { RateLimitedNotices } from "../../runtime/nats/rate-limited-notices.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const MIB = 1024 ** 2;

it("letters beyond the bound are refused, and there is room again when the first ones are stored", async () => {
  const { connection } = stage.client;
  const notices = new RateLimitedNotices(() => undefined, systemClock);
  const letters = new DeadLetters({ connection, app: "bounded", clock: systemClock, notices, copies: 1 });
  const letter = (sequence: number, data = new Uint8Array(10)) => ({
    ...{ id: `flood:${sequence}:${data.length}`, handler: "h", version: undefined, reason: "threw" as const },
    ...{
      message: "m",
      stack: undefined,
      subject: "s",
      stream: undefined,
      sequence,
      storedAtMs: undefined,
      attempts: 1,
    },
    ...{ firstFailedAtMs: 1, lastFailedAtMs: 1, instance: "i", redriven: 0, headers: undefined, data },
  });
  const flood = Array.from({ length: 2_000 }, (_, at) => letters.keepIfRoom(letter(at)));
  const taken = flood.filter((kept) => kept !== undefined);
  expect(taken).toHaveLength(1_024);
  expect((await Promise.all(taken)).every(Boolean)).toBe(true);
  const large = Array.from({ length: 50 }, (_, at) => letters.keepIfRoom(letter(at, new Uint8Array(MIB - 20_000))));
  const some = large.filter((kept) => kept !== undefined);
  expect(some.length).toBeGreaterThanOrEqual(32);
  expect(some.length).toBeLessThan(36);
  expect((await Promise.all(some)).every(Boolean)).toBe(true);
});

it("a handler that fails every message at full speed does not grow the supervisor; each is kept or counted as dropped", async () => {
  const total = 60_000;
  const failing = 'export const metadata = { subject: "flood" }; export default () => { throw new Error("no"); };';
  const app = await stage.start({ handlers: { "flood.js": failing }, config: { app: "flood" } });
  const text = "x".repeat(1_000);
  const before = process.memoryUsage().rss;
  let most = before;
  for (let sent = 0; sent < total; sent += 1_000) {
    for (let at = 0; at < 1_000; at++) stage.client.publish("flood", text);
    await stage.client.flush();
    most = Math.max(most, process.memoryUsage().rss);
  }
  const dropped = () => app.told("delivery.dropped").reduce((sum, { count }) => sum + count, 0);
  const box = new DeadLetterBox(stage.client.connection, "flood");
  await expect.poll(async () => (await box.list()).length + dropped(), { timeout: 50_000, interval: 500 }).toBe(total);
  most = Math.max(most, process.memoryUsage().rss);
  const grownMiB = Math.round((most - before) / MIB);
  console.log(`${total} failed: ${total - dropped()} kept, ${dropped()} dropped; the process grew by ${grownMiB} MiB`);
  expect(grownMiB).toBeLessThan(300);
});
