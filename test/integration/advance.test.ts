// The test kit's `advance`: hours and days of a test runtime pass at once.

import { startTestRuntime } from "nats-handlers/testing";
import { afterEach, expect, it } from "vitest";
import { createProject, type TestProject } from "../support/project.ts";

const HOUR_MS = 3_600_000;

let project: TestProject | undefined;
afterEach(() => {
  project?.end();
  project = undefined;
});

function running(handlers: Readonly<Record<string, string>>) {
  project = createProject(handlers);
  return startTestRuntime({ root: project.rootDir });
}

/** Says each attempt, and fails all before the given one. */
const failsUntil = (attempt: number, more = "") => `
  export const metadata = { subject: "orders.placed", kind: "durable", retry: { attempts: 9, backoff: ["10m"] }, ${more} };
  export default (order: { id: string }, ctx: any) => {
    ctx.log.info({ id: order.id, attempt: ctx.attempt }, "tried");
    if (ctx.attempt < ${attempt}) throw new Error("not yet");
  };`;

const REMINDS = `
  export const metadata = { subject: "orders.placed" };
  export default (order: { id: string; delay: string }, ctx: any) =>
    ctx.publish("orders.remind", { id: order.id }, { delay: order.delay });`;

const REMINDED = `
  export const metadata = { subject: "orders.remind", kind: "durable" };
  export default (order: { id: string }, ctx: any) => ctx.log.info({ id: order.id }, "reminded");`;

it("a retry after ten minutes runs when they have passed, in two halves, and not before", async () => {
  await using app = await running({ "bill.ts": failsUntil(2) });
  await app.publish("orders.placed", { id: "a" });
  await app.advance("5m");
  expect(app.logs("bill").map(({ fields }) => fields.attempt)).toEqual([1]);
  await app.advance("4m");
  expect(app.logs("bill")).toHaveLength(1);
  await app.advance("1m");
  expect(app.logs("bill").map(({ fields }) => fields.attempt)).toEqual([1, 2]);
  await app.idle();
  expect(await app.deadLetters()).toEqual([]);
});

it("what fails again and again is retried as often as in all that time, to its dead letter", async () => {
  await using app = await running({ "bill.ts": failsUntil(100) });
  await app.publish("orders.placed", { id: "a" });
  await app.advance("35m");
  expect(app.logs("bill").map(({ fields }) => fields.attempt)).toEqual([1, 2, 3, 4]);
  await app.advance("1h");
  await app.idle();
  expect(await app.deadLetters()).toMatchObject([{ handler: "bill", attempts: 9, message: "not yet" }]);
});

it.each(["20s", "1h", "3d"] as const)(
  "a message with a delay of %s leaves when that has passed, and not before",
  async (delay) => {
    await using app = await running({ "remind.ts": REMINDS, "reminded.ts": REMINDED });
    await app.publish("orders.placed", { id: "a", delay });
    await app.advance("10s");
    expect(app.logs("reminded")).toEqual([]);
    await app.advance(delay);
    expect(app.logs("reminded")).toMatchObject([{ fields: { id: "a" } }]);
  },
);

it("what becomes due on the way happens in its order: a delay, the retry of what came of it, a delay again", async () => {
  await using app = await running({
    "remind.ts": REMINDS,
    "retried.ts": failsUntil(3).replace("orders.placed", "orders.remind"),
  });
  await app.publish("orders.placed", { id: "late", delay: "25m" });
  await app.publish("orders.placed", { id: "early", delay: "1m" });
  await app.advance("1d");
  expect(app.logs("retried").map(({ fields }) => [fields.id, fields.attempt])).toEqual([
    ["early", 1],
    ["early", 2],
    ["early", 3],
    ["late", 1],
    ["late", 2],
    ["late", 3],
  ]);
});

it("a schedule of every day runs on the next one, and once for each of a week", async () => {
  const nightly = `
    export const metadata = { subject: "nightly", kind: "durable", schedule: "0 5 * * *" };
    export default (_: unknown, ctx: any) => ctx.log.info({ at: ctx.scheduledFor }, "run");`;
  await using app = await running({ "nightly.ts": nightly });
  await app.advance("1d");
  expect(app.logs("nightly")).toHaveLength(1);
  await app.advance("6d");
  expect(new Set(app.logs("nightly").map(({ fields }) => fields.at)).size).toBe(7);
});

it("a run of a schedule waits for the retry of the one before", async () => {
  const hourly = `
    export const metadata = { subject: "hourly", kind: "durable", schedule: { every: "1h" }, retry: { attempts: 2, backoff: ["90m"] } };
    export default (_: unknown, ctx: any) => {
      ctx.log.info({ at: ctx.scheduledFor, attempt: ctx.attempt }, "run");
      if (ctx.attempt === 1) throw new Error("not yet");
    };`;
  await using app = await running({ "hourly.ts": hourly });
  // It runs at full hours, whenever this test does.
  await app.advance(`${HOUR_MS - (Date.now() % HOUR_MS)}ms`);
  expect(app.logs("hourly").map(({ fields }) => fields.attempt)).toEqual([1]);
  await app.advance("1h");
  expect(app.logs("hourly").map(({ fields }) => fields.attempt)).toEqual([1]);
  await app.advance("35m");
  expect(app.logs("hourly").map(({ fields }) => fields.attempt)).toEqual([1, 2, 1]);
});

it("messages behind one that is put off wait for it where the handler has an order", async () => {
  await using app = await running({ "bill.ts": failsUntil(2, 'concurrency: "one"') });
  for (const id of ["a", "b"]) await app.publish("orders.placed", { id });
  await app.advance("9m");
  expect(app.logs("bill").map(({ fields }) => fields.id)).toEqual(["a"]);
  await app.advance("1h");
  expect(app.logs("bill").map(({ fields }) => fields.id)).toEqual(["a", "a", "b", "b"]);
});

it("messages of a batch that is put off come when they are due", async () => {
  const batched = `
    let runs = 0;
    export const metadata = { subject: "orders.placed", kind: "durable", batch: { size: 10 }, retry: { attempts: 2, backoff: ["1h"] } };
    export default (_: unknown, ctx: any) => {
      ctx.log.info("tried");
      if (++runs === 1) throw new Error("not yet");
    };`;
  await using app = await running({ "batched.ts": batched });
  await app.publish("orders.placed", { id: "a" });
  await app.advance("59m");
  expect(app.logs("batched")).toHaveLength(1);
  await app.advance("1m");
  expect(app.logs("batched")).toHaveLength(2);
  await app.idle();
});

it("what was published before has grown older by it, what is published afterwards has not", async () => {
  await using app = await running({ "bill.ts": failsUntil(2, 'expires: "5m"') });
  await app.publish("orders.placed", { id: "before" });
  await app.advance("11m");
  expect(await app.deadLetters()).toMatchObject([{ reason: "expired", data: { id: "before" } }]);
  await app.publish("orders.placed", { id: "after" });
  await app.advance("1m");
  expect(app.logs("bill").map(({ fields }) => fields.id)).toEqual(["before", "after"]);
});

it("what is due and does not end is named", async () => {
  const hangs = `
    export const metadata = { subject: "orders.placed", kind: "durable" };
    export default () => new Promise(() => {});`;
  await using app = await running({ "hangs.ts": hangs });
  await app.publish("orders.placed", { id: "a" });
  await expect(app.advance("1h", { timeout: "200ms" })).rejects.toThrow(
    /what is due at .* is not done within 200 ms:\s+"hangs": 1 running/,
  );
  await expect(app.advance("an hour" as never)).rejects.toThrow('advance "an hour" is not a duration such as "5s"');
});

it("schedules that a handler makes are seen, and run as often as in all that time, until they are taken away", async () => {
  const maker = `
    export const metadata = { subject: "bill", kind: "durable" };
    export default (bill: { id: string; paid?: boolean }, ctx: any) =>
      bill.paid === true
        ? ctx.unschedule("bill-" + bill.id)
        : ctx.schedule("bill-" + bill.id, "remind", { id: bill.id }, { cron: "0 9 * * *", timeZone: "Europe/Berlin" });`;
  const remind = `
    export const metadata = { subject: "remind", kind: "durable" };
    export default (bill: { id: string }, ctx: any) => ctx.log.info({ id: bill.id, at: ctx.scheduledFor }, "reminded");`;
  await using app = await running({ "bill.ts": maker, "remind.ts": remind });
  await app.advance("1d");
  await app.publish("bill", { id: "7" });
  await app.idle();
  const { headers, ...made } = (await app.schedules())["bill-7"]!;
  expect(made).toEqual({
    subject: "remind",
    data: { id: "7" },
    cron: "0 9 * * *",
    timeZone: "Europe/Berlin",
    missed: "once",
  });
  expect([...headers]).toEqual([]);
  await app.advance("3d");
  expect(app.logs("remind").map(({ fields }) => fields.id)).toEqual(["7", "7", "7"]);
  expect(new Set(app.logs("remind").map(({ fields }) => fields.at)).size).toBe(3);
  await app.publish("bill", { id: "7", paid: true });
  await app.idle();
  await app.advance("3d");
  expect(app.logs("remind")).toHaveLength(3);
  expect(await app.schedules()).toEqual({});
});
