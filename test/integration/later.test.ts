// What is published with `delay` or `at` leaves then: not before, and once.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { countIn, hear, PLAN, plan, storedIn } from "../support/later.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
const MANY = volume(21_000);

let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
});

describe("a publish with a delay, or for a time", () => {
  it("leaves then, and not before, with its headers and none of ours", async () => {
    await stage.start({ handlers: { "plan.js": PLAN } });
    const { client } = stage;
    const [after, at] = [await hear(client.connection, "after"), await hear(client.connection, "at")];
    const dueMs = Date.now() + 1_500;
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const askedAtMs = await plan(client, {
      target: "after",
      delay: "800ms",
      headers: { "X-Correlation": "a", traceparent },
    });
    await plan(client, { target: "at", at: dueMs });
    const [first] = await after.until(1);
    expect(first!.atMs - askedAtMs).toBeGreaterThanOrEqual(800);
    const own = { "Handlers-Hops": ["1"], "Handlers-Cause": [expect.stringMatching(/^plan:/)] };
    expect(first!.headers).toEqual({ "X-Correlation": ["a"], traceparent: [traceparent], ...own });
    const [second] = await at.until(1);
    expect(second!.atMs).toBeGreaterThanOrEqual(dueMs);
    await expect.poll(() => countIn(jsm, "LATER_shop")).toBe(0);
    expect([after.heard.length, at.heard.length]).toEqual([1, 1]);
  });

  it("for a time that has passed leaves at once, and needs no stream to wait in", async () => {
    await stage.start({ handlers: { "plan.js": PLAN } });
    const { heard } = await hear(stage.client.connection, "past");
    await plan(stage.client, { target: "past", at: Date.now() - 60_000 });
    await expect.poll(() => heard.length).toBe(1);
    await expect(jsm.streams.info("LATER_shop")).rejects.toThrow("stream not found");
  });

  it("goes into a stream under its id, and is stored there once", async () => {
    await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
    await stage.start({ handlers: { "plan.js": PLAN } });
    await plan(stage.client, { target: "out.a", delay: "200ms" });
    await expect.poll(() => countIn(jsm, "OUT")).toBe(1);
    const { header } = (await jsm.streams.getMessage("OUT", { seq: 1 }))!;
    expect(header.get("Nats-Msg-Id")).toMatch(/^shop:plan:.*:1:out\.a$/);
  });

  it("does not wait behind those due next year, which no consumer looks at", async () => {
    await stage.start({ handlers: { "plan.js": PLAN } });
    const { client } = stage;
    for (let day = 300; day < 310; day++) await plan(client, { target: "next-year", count: 300, delay: `${day}d` });
    const soon = await hear(client.connection, "soon");
    const askedAtMs = await plan(client, { target: "soon", delay: "300ms" });
    const [heard] = await soon.until(1);
    expect(heard!.atMs - askedAtMs).toBeGreaterThanOrEqual(300);
    const consumers: number[] = [];
    for await (const { num_pending, num_ack_pending } of jsm.consumers.list("LATER_shop"))
      consumers.push(num_pending + num_ack_pending);
    expect(Math.max(...consumers)).toBeLessThanOrEqual(1);
    // The one that has left goes with its acknowledgement.
    await expect.poll(() => countIn(jsm, "LATER_shop")).toBe(3_000);
  });

  it(`of which ${MANY} are due at one instant leaves then, each once`, async () => {
    await jsm.streams.add({ name: "OUT", subjects: ["out"] });
    await stage.start({ handlers: { "plan.js": PLAN } });
    const beganMs = Date.now();
    const dueMs = beganMs + Math.max(15_000, volume(30_000));
    for (let lot = 0; lot < MANY; lot += 1_000) await plan(stage.client, { target: "out", count: 1_000, at: dueMs });
    const storedMs = Date.now() - beganMs;
    expect(await countIn(jsm, "LATER_shop")).toBe(MANY);
    const cpu = process.cpuUsage();
    await expect.poll(() => countIn(jsm, "OUT"), { timeout: 60_000, interval: 200 }).toBe(MANY);
    const { user, system } = process.cpuUsage(cpu);
    const late = (await storedIn(jsm, "OUT")).map(({ atMs }) => atMs - dueMs);
    const [first, last] = [Math.min(...late), Math.max(...late)];
    const cpuMs = Math.round((user + system) / 1_000);
    console.log(
      `${MANY} stored in ${storedMs} ms; left ${first} to ${last} ms after they were due, ${cpuMs} ms of a core here`,
    );
    expect(first).toBeGreaterThanOrEqual(0);
    await expect.poll(() => countIn(jsm, "LATER_shop")).toBe(0);
  }, 120_000);
});

describe("an option that there is not", () => {
  const odd = (options: string) => `
    export const metadata = { subject: "odd", kind: "request" };
    export default (_, ctx) => ctx.publish("a", {}, ${options});
  `;
  it("fails the call with its name and those there are", async () => {
    const app = await stage.start({ handlers: { "odd.js": odd('{ dealy: "1s" }') } });
    const failed = await app.after(() => stage.client.ask("odd"), "delivery.failed");
    expect(failed.error.message).toMatch(/ctx\.publish has no option "dealy"\. Did you mean "delay"\? It has: headers/);
  });

  it("and both of those that exclude each other, fail the call", async () => {
    const app = await stage.start({ handlers: { "odd.js": odd('{ delay: "1s", at: new Date() }') } });
    const failed = await app.after(() => stage.client.ask("odd"), "delivery.failed");
    expect(failed.error.message).toContain("`delay` and `at` exclude each other");
  });
});
