import { expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { backoff } from "../../../runtime/deliver/settle.ts";
import { newStreamConfig } from "../../../runtime/streams/stream-settings.ts";

const NS_PER_MS = 1_000_000;
const SHOP = { name: "SHOP", subjects: ["shop.>"] };

it("a stream we make knows a repeated publish for as long as a handler with the default retries goes on", () => {
  const { retry, timeoutMs } = handlerDefaults;
  const runs = Array.from({ length: retry.attempts }, (_, at) => at + 1);
  const longestWaits = runs.slice(0, -1).map((attempt) => backoff(attempt, retry.backoffMs, 1));
  const longestMs = longestWaits.reduce((sum, waitMs) => sum + waitMs, runs.length * timeoutMs);
  expect(newStreamConfig(SHOP).duplicate_window).toBeGreaterThan(longestMs * NS_PER_MS);
});

it("but for no longer than it keeps messages, and as stated where that is stated", () => {
  const minute = 60_000 * NS_PER_MS;
  expect(newStreamConfig({ ...SHOP, max_age: minute }).duplicate_window).toBe(minute);
  expect(newStreamConfig({ ...SHOP, max_age: minute, duplicate_window: minute / 2 }).duplicate_window).toBe(minute / 2);
});
