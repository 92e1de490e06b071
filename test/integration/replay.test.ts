// `handlers replay`: stored messages again, to one handler, beside what comes by itself.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { type CliResult, runCli, startCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

let jsm: JetStreamManager;
let app: TestRuntime;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
});

interface Seen {
  readonly n: number;
  readonly subject: string;
  readonly id: string;
  readonly replayed: boolean;
  readonly attempt: number;
  readonly tag: string | null;
}

/** Says on `seen.<name>` what it was given, and fails as it is told. */
const telling = (name: string, metadata: string, fails = "false") => `
  export const metadata = { kind: "durable", retry: { attempts: 1, backoff: "10ms" }, ${metadata} };
  export default async ({ n, at }, ctx) => {
    const { subject, id, replayed, attempt } = ctx;
    await ctx.request("seen.${name}", { n, subject, id, replayed, attempt, tag: ctx.headers.get("tag") ?? null });
    if (${fails}) throw new Error("not " + n);
  };`;

const BILL = telling("bill", 'subject: "orders.placed"');

/** What `name` says, each answered. */
function told(name: string): Seen[] {
  const seen: Seen[] = [];
  stage.client.connection.subscribe(`seen.${name}`, {
    callback: (_error, message) => {
      seen.push(message.json<Seen>());
      message.respond("{}");
    },
  });
  return seen;
}

const numbers = (seen: readonly Seen[]) => seen.map(({ n }) => n);
const replayed = (seen: readonly Seen[]) => seen.filter((one) => one.replayed);
const sorted = (all: readonly number[]) => all.toSorted((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

async function store(count: number, { subject = "orders.placed", from = 0 } = {}): Promise<void> {
  for (let n = from; n < from + count; n++) await stage.client.connection.request(subject, JSON.stringify({ n }));
}

async function start(handlers: Readonly<Record<string, string>>): Promise<void> {
  app = await stage.start({ handlers, config: { app: "shop" } });
}

const options = () => ({ cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
const cli = (...args: string[]): Promise<CliResult> => runCli([...args, "--app", "shop"], options());
const json = async (...args: string[]) => JSON.parse((await cli("replay", ...args, "--json")).stdout) as object;

/** The next one is stored at a later time than all those before it. */
async function tick(): Promise<void> {
  const { last_ts } = (await jsm.streams.info("ORDERS")).state;
  await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(`${last_ts}`) + 1);
}

/** Messages on their way to handlers, and what else is in that stream. */
async function underWay(): Promise<number> {
  return (await jsm.streams.info("REDRIVE_shop")).state.messages;
}

it("a handler has stored messages again, as they were, and the others have not", async () => {
  const [bill, audit] = [told("bill"), told("audit")];
  await start({ "bill.js": BILL, "audit.js": telling("audit", 'subject: "orders.*"') });
  await store(3);
  stage.client.publish("orders.placed", { n: 3 }, { tag: ["a"] });
  stage.client.publish("orders.other", { n: 4 });
  await expect.poll(() => [bill.length, audit.length]).toEqual([4, 5]);
  const first = [...bill];
  const { code, stdout } = await cli("replay", "bill", "--from", "2");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "3 messages sent to bill again\n" });
  await expect.poll(() => bill.length).toBe(7);
  const byNumber = replayed(bill).toSorted((a, b) => a.n - b.n);
  expect(byNumber).toEqual(first.slice(1).map((one) => ({ ...one, replayed: true })));
  expect(replayed(bill)).toHaveLength(3);
  await store(1, { from: 9 });
  await expect.poll(() => audit.length).toBe(6);
  expect(replayed(audit)).toEqual([]);
});

it("the same replay again sends nothing twice and says so, unless that is wanted", async () => {
  const bill = told("bill");
  await start({ "bill.js": BILL });
  await store(5);
  await expect.poll(() => bill.length).toBe(5);
  expect(await json("bill", "--from", "1h", "--limit", "2")).toMatchObject({ sent: 2, before: 0 });
  expect(await json("bill", "--from", "1h")).toMatchObject({ handler: "bill", sent: 3, before: 2, interrupted: false });
  const { code, stdout, stderr } = await cli("replay", "bill", "--from", "1h");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "0 messages sent to bill again\n" });
  expect(stderr).toMatch(/5 had been sent by a replay within the last 1d, and are not sent twice/);
  await expect.poll(() => sorted(numbers(replayed(bill)))).toEqual(upTo(5));
  expect(await json("bill", "--from", "1h", "--again")).toMatchObject({ sent: 5, before: 0 });
  await expect.poll(() => sorted(numbers(replayed(bill)))).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
});

it("--from, --to and --limit say which; --dry-run says how many, and sends none", async () => {
  const bill = told("bill");
  await start({ "bill.js": BILL });
  for (const n of upTo(4)) {
    await store(1, { from: n });
    await tick();
  }
  await expect.poll(() => bill.length).toBe(4);
  const third = (await jsm.streams.getMessage("ORDERS", { seq: 3 }))!;
  expect(await json("bill", "--from", "2", "--to", "3", "--dry-run")).toEqual({ handler: "bill", wouldSend: 2 });
  expect(await json("bill", "--from", third.time.toISOString(), "--to", "4", "--dry-run")).toMatchObject({
    wouldSend: 2,
  });
  expect(await json("bill", "--from", "1", "--to", third.time.toISOString(), "--dry-run")).toMatchObject({
    wouldSend: 3,
  });
  expect((await cli("replay", "bill", "--from", "1", "-n", "3", "--dry-run")).stdout).toBe(
    "3 messages would be sent to bill again\n",
  );
  expect((await cli("replay", "bill", "--from", "2100-01-01")).stdout).toMatch(/^nothing is stored from 2100-01-01 on/);
  expect(replayed(bill)).toEqual([]);
  expect(await json("bill", "--from", "2", "--to", "3", "--rate", "50")).toMatchObject({
    sent: 2,
    last: { stream: "ORDERS", seq: 3, atMs: third.time.getTime() },
  });
  await expect.poll(() => sorted(numbers(replayed(bill)))).toEqual([1, 2]);
});

it("what it has not had yet comes once, by itself", async () => {
  const bill = told("bill");
  await start({ "bill.js": BILL });
  await store(2);
  await expect.poll(() => bill.length).toBe(2);
  expect((await cli("disable", "bill")).code).toBe(0);
  await store(2, { from: 2 });
  const { stdout, stderr } = await cli("replay", "bill", "--from", "1");
  expect(stdout).toBe("2 messages sent to bill again\n");
  expect(stderr).toContain("bill is disabled: they wait until it is enabled");
  expect(stderr).toContain("messages that bill has not had yet come to it by themselves");
  expect(stderr).toContain("2 messages on the way to it");
  expect((await cli("enable", "bill")).code).toBe(0);
  await expect.poll(() => sorted(numbers(bill))).toEqual([0, 0, 1, 1, 2, 3]);
  expect(sorted(numbers(replayed(bill)))).toEqual([0, 1]);
});

it("one that fails in a replay is a dead letter of where it was stored, and is still replayed when it is redriven", async () => {
  const bill = told("bill");
  await start({ "bill.js": telling("bill", 'subject: "orders.placed"', "ctx.replayed") });
  await store(1);
  await expect.poll(() => bill.length).toBe(1);
  await cli("replay", "bill", "--from", "1");
  const box = new DeadLetterBox(stage.client.connection, "shop");
  await expect
    .poll(() => box.list())
    .toMatchObject([{ handler: "bill", stream: "ORDERS", sequence: 1, attempts: 1, redriven: 0, message: "not 0" }]);
  const [letter] = await box.list();
  expect(letter!.firstFailedAtMs).toBe(letter!.lastFailedAtMs);
  await cli("dlq", "redrive", `${letter!.id}`);
  await expect.poll(() => bill.length).toBe(3);
  expect(replayed(bill)).toHaveLength(2);
  await expect.poll(() => box.list()).toMatchObject([{ attempts: 2, redriven: 1 }]);
});

it("a message with no room for our headers runs again as it was", async () => {
  const bill = told("bill");
  await start({ "bill.js": BILL });
  const most = stage.client.connection.info!.max_payload;
  const [start_, end] = ['{"n":7,"at":"', '"}'];
  const text = `${start_}${"x".repeat(most - start_.length - end.length)}${end}`;
  await stage.client.connection.request("orders.placed", text);
  await expect.poll(() => bill.length).toBe(1);
  expect(await json("bill", "--from", "1")).toMatchObject({ sent: 1, tooLarge: 0 });
  await expect.poll(() => bill.length).toBe(2);
  expect(bill[1]).toEqual({ ...bill[0], replayed: true });
});

it("a handler of several subjects and streams has all of them again, by time", async () => {
  await jsm.streams.add({ name: "USERS", subjects: ["users.>"] });
  const all = told("all");
  await start({ "all.js": telling("all", 'subject: ["orders.*.placed", "users.new"]') });
  for (const [n, subject] of ["orders.eu.placed", "users.new", "orders.us.placed", "orders.eu.gone"].entries()) {
    await store(1, { subject, from: n });
  }
  await expect.poll(() => sorted(numbers(all))).toEqual([0, 1, 2]);
  expect(await cli("replay", "all", "--from", "1")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/takes from several streams, "ORDERS", "USERS": each has its own numbers/),
  });
  expect(await json("all", "--from", "1h")).toMatchObject({ sent: 3 });
  await expect.poll(() => sorted(numbers(replayed(all)))).toEqual([0, 1, 2]);
  const subjects = replayed(all).toSorted((a, b) => a.n - b.n);
  expect(subjects.map(({ subject }) => subject)).toEqual(["orders.eu.placed", "users.new", "orders.us.placed"]);
});

it('a handler of `concurrency: "one"` has them one by one, in their order, over all replicas', async () => {
  const bill = told("bill");
  const handlers = { "bill.js": telling("bill", 'subject: "orders.placed", concurrency: "one"') };
  await start(handlers);
  await start(handlers);
  await store(20);
  await expect.poll(() => bill.length).toBe(20);
  expect(await json("bill", "--from", "1")).toMatchObject({ sent: 20 });
  await expect.poll(() => numbers(replayed(bill))).toEqual(upTo(20));
});

describe("a replay that is stopped", () => {
  it("lets few go on, and the same command goes on where it was", async () => {
    const bill = told("bill");
    await start({ "bill.js": BILL });
    await store(200);
    await expect.poll(() => bill.length).toBe(200);
    await cli("disable", "bill");
    const replaying = startCli(["replay", "bill", "--from", "1", "--app", "shop", "--json"], options());
    await replaying.printed(/bill is disabled: the replay goes on when it is enabled/);
    replaying.child.kill("SIGINT");
    const { code, stdout } = await replaying.ended;
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 130, sent: 8, waiting: 8, interrupted: true });
    expect(await underWay()).toBe(8);
    await cli("enable", "bill");
    await expect.poll(() => sorted(numbers(replayed(bill)))).toEqual(upTo(8));
    expect(await json("bill", "--from", "1")).toMatchObject({ sent: 192, before: 8, interrupted: false });
    await expect.poll(() => sorted(numbers(replayed(bill)))).toEqual(upTo(200));
    await expect.poll(underWay).toBe(0);
  });

  it("also by kill -9", async () => {
    const bill = told("bill");
    await start({ "bill.js": BILL });
    await store(60);
    await expect.poll(() => bill.length).toBe(60);
    const replaying = startCli(["replay", "bill", "--from", "1", "--rate", "40", "--app", "shop"], options());
    await expect.poll(() => replayed(bill).length).toBeGreaterThan(4);
    replaying.child.kill("SIGKILL");
    await replaying.ended;
    expect(await json("bill", "--from", "1")).toMatchObject({ interrupted: false });
    await expect.poll(() => sorted(numbers(replayed(bill)))).toEqual(upTo(60));
    await expect.poll(underWay).toBe(0);
  });
});

it("what cannot be replayed is refused with the reason", async () => {
  await start({
    "bill.js": BILL,
    "hear.js": 'export const metadata = { subject: "orders.placed" }; export default () => {};',
    "ask.js": 'export const metadata = { subject: "ask", kind: "request" }; export default () => 1;',
    "off.js":
      'export const metadata = { subject: "orders.off", kind: "durable", disabled: true }; export default () => {};',
  });
  const refused = async (...args: string[]) => {
    const { code, stderr } = await cli("replay", ...args);
    return { code, stderr };
  };
  const saying = (pattern: RegExp, code = 2) => ({ code, stderr: expect.stringMatching(pattern) });
  expect(await refused("hear", "--from", "1h")).toEqual(
    saying(/"hear" is of kind "event": it hears messages as they pass/),
  );
  expect(await refused("ask", "--from", "1h")).toEqual(
    saying(/"ask" is of kind "request": nobody waits for its reply/),
  );
  expect(await refused("off", "--from", "1h")).toEqual(saying(/"off" has had no messages yet/));
  expect(await refused("bil", "--from", "1h")).toEqual(
    saying(/no replica has a handler "bil"\. Did you mean "bill"\?/),
  );
  expect(await refused("bill")).toEqual(saying(/--from <TIME\|SEQ>/));
  expect(await refused("bill", "--from", "soon")).toEqual(saying(/--from needs a time .* received "soon"/));
  expect(await refused("bill", "--from", "1", "--rate", "0")).toEqual(saying(/--rate needs a whole number above 0/));
  await app.close();
  expect(await refused("bill", "--from", "1h")).toEqual(saying(/no runtime of app "shop" answers/, 3));
});
