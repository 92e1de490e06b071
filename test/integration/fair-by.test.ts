// `fairBy`: one of a quiet key does not wait behind another key's flood, however long that is.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

interface Ran {
  readonly key: string;
  readonly n: number;
  readonly attempt: number;
  readonly tookMs: number;
}

const stage = useStage();
let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

/** Each run takes 20 ms; of the flood only quiet keys are told. */
const handler = (fairBy: string) => `
  export const metadata = { subject: "t.*", kind: "durable", concurrency: 8, ${fairBy} };
  export default async ({ n, at }, ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const [key] = ctx.wildcards;
    const told = { key, n, attempt: ctx.attempt, tookMs: Date.now() - at };
    await ctx.publish(key === "flood" ? "flooded" : "ran", told);
  };`;
const FAIR = "fairBy: { key: { wildcard: 0 }, concurrency: 6 }";
/** The largest of so many is left out. */
const COUNT = 100;
const P99 = 98;
const text = (sorted: readonly number[]) => `p50 ${sorted[50]}, p99 ${sorted[P99]}`;
const FLOOD = Number(process.env.TEST_VOLUME === "full" ? 100_000 : 20_000);

async function storeFlood(count: number): Promise<void> {
  const data = JSON.stringify({ n: 0, at: 0 });
  for (let stored = 0; stored < count; stored += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, count - stored) }, () =>
        stage.client.connection.request("t.flood", data, { timeout: 30_000 }),
      ),
    );
}

/** So many of a quiet key, one after the other; from when each was stored until it had run. */
async function quiet(key: string, count: number): Promise<readonly number[]> {
  const ran = await stage.client.collect<Ran>("ran");
  for (let n = 0; n < count; n++) {
    await stage.client.connection.request(`t.${key}`, JSON.stringify({ n, at: Date.now() }), { timeout: 30_000 });
    await ran.until(n + 1);
  }
  expect(new Set(ran.values.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  return ran.values.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
}

it("a quiet key does not wait behind a stored flood", async () => {
  const app = await stage.start({ handlers: { "save.js": handler(FAIR) } });
  const alone = await quiet("alone", COUNT);
  await app.close();
  await storeFlood(FLOOD);

  const again = await stage.start({ handlers: { "save.js": handler(FAIR) } });
  await expect.poll(() => again.status("save").queued, { timeout: 60_000 }).toBeGreaterThan(FLOOD * 0.9);
  const beside = await quiet("beside", COUNT);
  console.log(`quiet key, ms: alone ${text(alone)}; beside ${FLOOD} of another ${text(beside)}`);
  // One after the other they have all run, and nearly all of the flood that was there before them has not.
  expect(again.status("save").queued).toBeGreaterThan(FLOOD / 2);
  if (process.env.TEST_VOLUME === "full") expect(beside[P99]).toBeLessThan(3 * alone[P99]!);
  expect(again.told("delivery.failed")).toEqual([]);
});

it("what waits in a replica that ends goes back uncharged, and is run by the next", async () => {
  const flooded = await stage.client.collect<Ran>("flooded");
  await storeFlood(600);
  const first = await stage.start({ handlers: { "save.js": handler(FAIR) } });
  await expect.poll(() => first.status("save").queued).toBeGreaterThan(500);
  await first.close();
  await stage.start({ handlers: { "save.js": handler("") } });
  const all = await flooded.until(600);
  expect(new Set(all.map(({ attempt }) => attempt))).toEqual(new Set([1]));
});
