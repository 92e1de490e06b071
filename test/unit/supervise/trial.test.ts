import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { type Subject, Trial } from "../../../runtime/supervise/trial.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { FakeWorkers } from "../../support/fake-workers.ts";

const PATH = "/nowhere/a.mjs";

const SUBJECT: Subject = {
  file: { name: "a", path: "/nowhere/a.ts", displayPath: "handlers/a.ts" },
  bundle: { handler: "a", version: "1", path: PATH, preload: [], companions: [], inputs: [], sizeBytes: 1 },
  source: "",
  memoryMiB: 256,
  env: {},
  envNames: [],
};

/** A handler that has been looked at; `again`: what its process does when it is asked once more. */
async function lookedAt(again: (crash: () => void) => Promise<void>) {
  const clock = fakeClock();
  const workers = new FakeWorkers();
  const worker = await workers.take(256);
  let looks = 0;
  workers.add(PATH, {
    metadata: { subject: "a" },
    evaluate: async () => {
      if (++looks > 1) await again(() => worker.crash({ code: 1 }));
    },
  });
  const options = { rootDir: "/nowhere", defaults: handlerDefaults, startTimeoutMs: 10_000, clock, emit: () => {} };
  const trial = new Trial(worker, options);
  await trial.look(SUBJECT);
  return { clock, worker, trial, wasAsked: () => looks > 1 };
}

test("who dies within the time is told of", async () => {
  const { worker, trial } = await lookedAt(async () => {});
  const death = trial.diesWithin(1_000, SUBJECT);
  worker.crash({ code: 1 });
  expect(await death).toMatchObject({ message: expect.stringContaining("soon after it was imported") });
});

test("whose timer was late, as the machine was busy, is told of as well", async () => {
  const { clock, trial } = await lookedAt(async (crash) => crash());
  const death = trial.diesWithin(1_000, SUBJECT);
  clock.advance(1_000);
  expect(await death).toMatchObject({ message: expect.stringContaining("soon after it was imported") });
});

test("who answers afterwards lives on, and so does who is busy for longer", async () => {
  const quick = await lookedAt(async () => {});
  const death = quick.trial.diesWithin(1_000, SUBJECT);
  quick.clock.advance(1_000);
  expect(await death).toBeUndefined();
  expect(quick.wasAsked()).toBe(true);

  const busy = await lookedAt(() => new Promise(() => {}));
  const none = busy.trial.diesWithin(1_000, SUBJECT);
  busy.clock.advance(1_000);
  while (!busy.wasAsked()) await turn();
  busy.clock.advance(1_000);
  expect(await none).toBeUndefined();
});
