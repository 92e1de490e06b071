// The commands that look after kept messages, as an operator types them beside a runtime.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { type CliResult, runCli, startCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

const FAILS = `import { defineHandler, GiveUp } from "nats-handlers";
export const metadata = { subject: "shop.order", kind: "durable", retry: { attempts: 2, backoff: "10ms" } } as const;
export default defineHandler(metadata, (order: any) => {
  if (order.good) return;
  if (order.never) throw new GiveUp("card expired");
  throw new Error("no stock");
});
`;
const AUDIT = 'export const metadata = { subject: "shop.*", kind: "durable" }; export default () => {};';

let app: TestRuntime;
beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  app = await stage.start({ handlers: { "shop/order.ts": FAILS, "audit.js": AUDIT } });
});

const cli = (...args: string[]): Promise<CliResult> =>
  runCli(args, { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await cli(...args, "--json")).stdout) as T;

interface Listed {
  readonly letters: readonly { id: number; reason: string; redriven: number; attempts: number }[];
}

/** Asked of the box itself: each look by a command would be a process. */
async function kept(count: number): Promise<void> {
  const box = new DeadLetterBox(stage.client.connection, "shop");
  await expect.poll(async () => (await box.list()).length, { timeout: 50_000 }).toBe(count);
}

/** Have the handler fail so many messages for good. */
async function fail(count: number, message: object = {}): Promise<void> {
  for (let at = 0; at < count; at++) stage.client.publish("shop.order", { at, ...message });
  await kept(count);
}

describe("handlers dlq", () => {
  it("lists what failed and why, and shows one with its payload and its line in the TypeScript", async () => {
    await fail(1);
    const { stdout, code } = await cli("dlq", "list");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /ID +WHEN +HANDLER +REASON +RUNS .*\n *1 +\d\d:\d\d:\d\d +shop\/order +threw +2 .*no stock\n/,
    );
    const shown = await cli("dlq", "show", "1");
    expect(shown.stdout).toMatch(/dead letter 1 of shop\/order: threw\nno stock\n/);
    expect(shown.stdout).toMatch(/at .*handlers\/shop\/order\.ts:6:9/);
    expect(shown.stdout).toMatch(/subject +shop\.order\nstored in +stream SHOP_SHOP, 1\nruns +2\n/);
    expect(shown.stdout).toContain('{\n  "at": 0\n}');
    expect(await json("dlq", "show", "1")).toMatchObject({ id: 1, handler: "shop/order", payload: { at: 0 } });
    expect(await cli("dlq", "show", "7")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no dead letter 7"),
    });
    expect(await cli("dlq", "show", "x")).toMatchObject({ code: 2 });
  });

  it("filters by handler, reason and time, and helps with names", async () => {
    await fail(1);
    stage.client.publish("shop.order", { never: true });
    await kept(2);
    const reasons = async (...args: string[]) =>
      (await json<Listed>("dlq", "list", ...args)).letters.map(({ reason }) => reason);
    expect(await reasons()).toEqual(["gave-up", "threw"]);
    expect(await reasons("--reason", "gave-up")).toEqual(["gave-up"]);
    expect(await reasons("--limit", "1")).toEqual(["gave-up"]);
    expect(await reasons("--since", "1h")).toHaveLength(2);
    expect(await reasons("--since", "2100-01-01")).toEqual([]);
    expect((await cli("dlq", "list", "--handler", "shop/ordr")).stderr).toContain('Did you mean "shop/order"?');
    expect(await cli("dlq", "list", "--reason", "thre")).toMatchObject({ code: 2 });
  });

  it("sends one, and those of a handler, to that handler alone; what fails again returns with its count", async () => {
    await fail(3);
    expect(await cli("dlq", "redrive")).toMatchObject({ code: 2, stderr: expect.stringContaining("--handler NAME") });
    const dry = await cli("dlq", "redrive", "--handler", "shop/order", "--dry-run");
    expect(dry).toMatchObject({ code: 0, stderr: "3 dead letters would be sent again\n" });
    const audited = app.status("audit").handled;
    expect(await cli("dlq", "redrive", "1")).toMatchObject({ code: 0, stdout: "1 dead letter sent again\n" });
    await expect
      .poll(async () => (await json<Listed>("dlq", "list")).letters.map(({ id, redriven }) => [id, redriven]))
      .toEqual([
        [4, 1],
        [3, 0],
        [2, 0],
      ]);
    app.project.write("shop/order.ts", FAILS.replace('throw new Error("no stock")', "return"));
    await app.next("handler.serving", { handler: "shop/order" });
    expect(await json("dlq", "redrive", "--handler", "shop/order")).toEqual({
      redriven: 3,
      missing: 0,
      left: 0,
      interrupted: false,
    });
    await expect.poll(() => app.status("shop/order").handled).toBeGreaterThanOrEqual(3);
    expect((await json<Listed>("dlq", "list")).letters).toEqual([]);
    expect(app.status("audit").handled).toBe(audited);
  });

  it("stopped with Ctrl-C says how many were sent, and loses none", async () => {
    await fail(40);
    const child = startCli(["dlq", "redrive", "--handler", "shop/order", "--rate", "10", "--json"], {
      cwd: app.project.rootDir,
      env: { NATS_URL: stage.server.url },
    });
    await app.next("delivery.failed", ({ handler }) => handler === "shop/order");
    child.child.kill("SIGINT");
    const { code, stdout } = await child.ended;
    expect(code).toBe(130);
    const { redriven, left, interrupted } = JSON.parse(stdout) as Record<string, number | boolean>;
    expect(interrupted).toBe(true);
    expect(Number(redriven)).toBeGreaterThan(0);
    expect(Number(redriven) + Number(left)).toBe(40);
    const all = async () => (await json<Listed>("dlq", "list", "--limit", "100")).letters;
    await kept(40);
    expect((await all()).filter((letter) => letter.redriven === 1)).toHaveLength(Number(redriven));
  });

  it("purges only when told so twice", async () => {
    await fail(2);
    expect(await cli("dlq", "purge")).toMatchObject({ code: 1, stderr: expect.stringContaining("--yes does it") });
    expect(await cli("dlq", "purge", "--handler", "audit", "--yes")).toMatchObject({ code: 0 });
    expect(await cli("dlq", "purge", "--yes")).toMatchObject({ code: 0, stdout: "2 dead letters removed\n" });
    expect(await cli("dlq", "list")).toMatchObject({ code: 0, stderr: "no dead letters\n" });
  });
});

describe("handlers unclaimed and handlers prune", () => {
  it("tell of stored subjects nobody takes, and of durables whose file is gone", async () => {
    await cli("send", "shop.other", "{}");
    expect(await cli("unclaimed")).toMatchObject({ code: 0, stderr: expect.stringContaining("has a handler") });
    expect(await cli("prune")).toMatchObject({ code: 0, stderr: expect.stringContaining("has its handler") });

    await app.after(() => app.project.remove("audit.js"), "handler.removed", { handler: "audit" });
    await cli("send", "shop.other", "{}");
    const listed = await cli("prune");
    expect(listed).toMatchObject({ code: 1, stderr: expect.stringContaining("--yes removes") });
    expect(listed.stdout).toMatch(/audit +1 +shop\.\* +SHOP_SHOP +shop-audit-\w+\n/);
    expect(await cli("prune", "--yes")).toMatchObject({ code: 0 });
    expect(await cli("prune")).toMatchObject({ code: 0 });
    expect((await cli("unclaimed")).stdout).toMatch(/MESSAGES +SUBJECT +STREAM\n2 +shop\.other +SHOP_SHOP\n/);
    await app.close();
    const again = await stage.start({ project: app.project });
    const from = 0;
    const told = await again.next("runtime.notice", ({ message }) => message.includes("taken by no handler"), from);
    expect(told.message).toContain('"shop.other" (2)');
  });
});
