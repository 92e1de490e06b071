// Messages that kill their worker, among many that do not: each becomes a dead letter after its attempts, and the rest
// goes on meanwhile.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { COOL_DOWN_MS, hurriedCoolDown } from "../support/hurried-clock.ts";
import { fixture } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();
/** For the runner: every death costs the start of a process, and there are up to thirty of them. */
const MANY_STARTS_MS = 150_000;

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

interface Story {
  readonly bad: ReadonlySet<number>;
  readonly count: number;
  /** Published at once; the rest one after the other, each when an earlier one was handled. */
  readonly atOnce: number;
}

async function tell({ bad, count, atOnce }: Story): Promise<TestRuntime> {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  const app = await stage.start({
    handlers: { "poisoned.ts": fixture("poisoned.ts") },
    config: { streams: [{ name: "POISON", subjects: ["poisoned"] }] },
    clock: hurriedCoolDown,
  });
  const handled = await stage.client.collect<number>("handled.poisoned");
  const publish = (n: number) => stage.client.publish("poisoned", { n, bad: bad.has(n) });
  for (const n of upTo(atOnce)) publish(n);
  const good = upTo(count).filter((n) => !bad.has(n));
  for (let next = atOnce; next < count; next++) {
    await handled.when((values) => values.length > next - atOnce - bad.size);
    publish(next);
  }
  const all = () => [...new Set(handled.values)].sort((a, b) => a - b);
  await expect.poll(all, { timeout: 90_000, interval: 50 }).toEqual(good);
  const box = new DeadLetterBox(stage.client.connection, "shop");
  await expect.poll(async () => (await box.list()).length, { timeout: 30_000, interval: 100 }).toBe(bad.size);
  const letters = await Promise.all((await box.list()).map(({ id }) => box.show(id)));
  const kept = letters.map((letter) => JSON.parse(Buffer.from(letter!.data).toString()).n);
  expect(kept.sort((a, b) => a - b)).toEqual([...bad]);
  return app;
}

for (const [what, bad] of [
  ["one message of 200 that kills its worker becomes a letter", [100]],
  ["two of 200 become letters", [100, 104]],
  ["four of 200 that came right after one another become letters", [100, 101, 102, 103]],
] as const) {
  it(
    `${what}, all others are handled, and the handler is never set aside`,
    async () => {
      const app = await tell({ bad: new Set(bad), count: 250, atOnce: 200 });
      expect(app.told("handler.quarantined")).toEqual([]);
    },
    MANY_STARTS_MS,
  );
}

it(
  "every hundredth kills, under a stream of good ones: each becomes a letter, and the handler is never set aside",
  async () => {
    const bad = new Set(upTo(600).filter((n) => n % 100 === 50));
    const app = await tell({ bad, count: 600, atOnce: 100 });
    expect(app.told("handler.quarantined")).toEqual([]);
  },
  MANY_STARTS_MS,
);

it(
  "ten in a row set the handler aside; what was in hand runs alone on its return, and the rest goes on after one trial",
  async () => {
    const app = await tell({ bad: new Set(upTo(20).slice(5, 15)), count: 60, atOnce: 60 });
    expect(app.told("handler.quarantined").map(({ coolDownMs }) => coolDownMs)).toEqual([COOL_DOWN_MS]);
  },
  MANY_STARTS_MS,
);
