// What is larger than a message can be goes through a bucket of objects, unseen by the functions at both ends.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const LARGE = 3_000_000;
const STREAMS = [{ name: "SCANS", subjects: ["scans.>"] }];

/** Publishes so many letters and bytes. */
const SCAN = `
  export const metadata = { subject: "scan", kind: "request" };
  export default async ({ subject, size, bytes, options }, ctx) => {
    const data = bytes ? new Uint8Array(size).fill(7) : { text: "x".repeat(size) };
    await ctx.publish(subject, data, options ?? undefined).catch((error) => ctx.log.warn(error.message));
    return "sent";
  };`;

/** Tells what it got, after it has failed as often as its subject says. */
const store = (more = "") => `
  export const metadata = { subject: "scans.*.*", kind: "durable", retry: { attempts: 3, backoff: "10ms" }, ${more} };
  export default async (scan, ctx) => {
    const [kind, times] = ctx.wildcards;
    const size = scan instanceof Uint8Array ? scan.every((byte) => byte === 7) && scan.length : scan.text.length;
    if (ctx.attempt <= Number(times)) throw new Error("not yet: " + size);
    await ctx.publish("stored", { kind, size, attempt: ctx.attempt });
  };`;

async function bucketSize(bucket: string): Promise<number> {
  const manager = await jetstreamManager(stage.client.connection);
  return (await manager.streams.info(`OBJ_${bucket}`)).state.bytes;
}

it("a large publish reaches a durable handler whole, again at each attempt, at once and later", async () => {
  await stage.start({
    handlers: { "scan.ts": SCAN, "store.ts": store() },
    config: { streams: STREAMS, largePayloads: { ttl: "2d" } },
  });
  const stored = await stage.client.collect<object>("stored");
  for (const [subject, more] of [
    ["scans.json.0", {}],
    ["scans.again.2", {}],
    ["scans.later.0", { options: { delay: "100ms" } }],
    ["scans.small.0", { size: 10 }],
  ] as const)
    await stage.client.ask("scan", { subject, size: LARGE, ...more });
  await stored.until(4);
  expect(stored.values.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
    { kind: "again", size: LARGE, attempt: 3 },
    { kind: "json", size: LARGE, attempt: 1 },
    { kind: "later", size: LARGE, attempt: 1 },
    { kind: "small", size: 10, attempt: 1 },
  ]);
  expect(await bucketSize("LARGE_shop")).toBeGreaterThan(3 * LARGE);
  const manager = await jetstreamManager(stage.client.connection);
  expect((await manager.streams.info("OBJ_LARGE_shop")).config.max_age).toBe(2 * 86_400e9);
});

it("another app's handlers, of every kind, get what was published for them, in a batch too", async () => {
  const config = { largePayloads: { bucket: "LARGE_all" } };
  await stage.start({ handlers: { "scan.ts": SCAN }, config: { ...config, app: "scanner" } });
  await stage.start({
    handlers: {
      "event.ts": `
        export const metadata = { subject: "raw.one", payload: "bytes" };
        export default async (bytes, ctx) => ctx.publish("stored", { event: bytes.length, first: bytes[0] });`,
      "batch.ts": `
        export const metadata = { subject: "raw.batch", payload: "bytes", batch: { size: 2 } };
        export default async (all, ctx) => ctx.messages[0].publish("stored", all.map(({ length }) => length));`,
    },
    config: { app: "keeper" },
  });
  const stored = await stage.client.collect<object>("stored");
  await stage.client.ask("scan", { subject: "raw.one", size: LARGE, bytes: true });
  await stored.until(1);
  await Promise.all(
    [1, 2].map((more) => stage.client.ask("scan", { subject: "raw.batch", size: LARGE + more, bytes: true })),
  );
  await stored.when((values) => values.flat().length >= 3);
  expect(stored.values[0]).toEqual({ event: LARGE, first: 7 });
  expect(stored.values.slice(1).flat().toSorted()).toEqual([LARGE + 1, LARGE + 2]);
});

it("a content that is gone is a dead letter that says so; what failed otherwise is redriven while it lives", async () => {
  const app = await stage.start({
    handlers: { "scan.ts": SCAN, "store.ts": store() },
    config: { streams: STREAMS, largePayloads: true },
  });
  const stored = await stage.client.collect<object>("stored");
  const letters = await stage.client.collect("dlq.shop.store");
  const box = new DeadLetterBox(stage.client.connection, "shop");
  for (const subject of ["scans.first.9", "scans.second.9"]) {
    await stage.client.ask("scan", { subject, size: LARGE });
  }
  await letters.until(2);
  const [second, first] = await box.list();
  expect(first).toMatchObject({ subject: "scans.first.9", reason: "threw", message: `not yet: ${LARGE}` });

  await app.after(
    () => app.project.write("store.ts", store().replace("ctx.attempt <=", "false &&")),
    "handler.serving",
  );
  await redriveNow(box, first!.id);
  expect(await stored.until(1)).toEqual([{ kind: "first", size: LARGE, attempt: 1 }]);

  const manager = await jetstreamManager(stage.client.connection);
  await manager.streams.purge("OBJ_LARGE_shop");
  await redriveNow(box, second!.id);
  await letters.until(3);
  const [third] = await box.list();
  expect(third).toMatchObject({ subject: "scans.second.9", reason: "invalid", redriven: 1 });
  expect(third!.message).toMatch(/its content is gone: object "scan\/.*" of bucket "LARGE_shop" is not there any more/);
});

async function redriveNow(box: DeadLetterBox, id: number): Promise<void> {
  const { connection } = stage.client;
  await redrive([id], { connection, app: "shop", box, clock: systemClock, copies: 1, rate: undefined });
}

it("without the option the publish is refused, with the option's name", async () => {
  const app = await stage.start({ handlers: { "scan.ts": SCAN } });
  const told = app.next("handler.log");
  await stage.client.ask("scan", { subject: "raw.one", size: LARGE });
  expect((await told).message).toMatch(
    /^publish to "raw.one": \d+ bytes are more than the server takes \(max_payload 1048576\)\. `largePayloads: true` in handlers.config.ts/,
  );
});
