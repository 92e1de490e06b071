import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { missedRelease } from "../../../runtime/dev-server/missed-release.ts";
import { fakeClock } from "../../support/fake-clock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nats-handlers-missed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("a release that could not be had is remembered with its reason for an hour, and only that release", async () => {
  const clock = fakeClock();
  const missed = missedRelease(folder, "2.15.0", clock);
  expect(await missed.lately()).toBeUndefined();
  await missed.note({ kind: "failed", why: "example.com cannot be reached" });
  clock.advance(12 * 60_000);
  expect((await missed.lately())?.why).toBe("example.com cannot be reached (12 min ago; tried again after an hour)");
  expect(await missedRelease(folder, "2.15.1", clock).lately()).toBeUndefined();
  clock.advance(48 * 60_000);
  expect(await missed.lately()).toBeUndefined();
});
