// What waits to leave later, as an operator sees it: sent by hand, listed, cancelled; and what could not leave.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { storeByHand } from "../../runtime/later/by-hand.ts";
import { LaterBox } from "../../runtime/later/later-box.ts";
import type { Later } from "../../runtime/message/handler-call.ts";
import { type CliResult, runCli } from "../support/cli-process.ts";
import { startTestServer } from "../support/nats-server.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

const REMIND = `
export const metadata = { subject: "remind", kind: "request" };
export default async ({ target, delay }, ctx) => void (await ctx.publish(target, { reminded: true }, { delay }));
`;

let jsm: JetStreamManager;
let app: TestRuntime;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  app = await stage.start({ handlers: { "shop/remind.js": REMIND } });
});

const cli = (...args: string[]): Promise<CliResult> =>
  runCli([...args, "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });

async function json<T>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await cli(...args, "--json");
  if (stdout === "") throw new Error(`\`handlers ${args.join(" ")}\` printed nothing but: ${stderr}`);
  return JSON.parse(stdout) as T;
}

interface Listed {
  readonly total: number;
  readonly more: boolean;
  readonly messages: readonly { id: number; dueAt: string; target: string; by: string }[];
}

const remind = (target: string, delay: string) => stage.client.ask("remind", { target, delay });

describe("handlers scheduled", () => {
  it("lists what waits, due first, with who published it and where to", async () => {
    expect((await cli("scheduled", "list")).stderr).toContain("nothing waits");
    await remind("orders.remind", "2h");
    await json("send", "orders.byhand", '{"a":1}', "--delay", "1h", "-H", "X-Colour=red");
    await remind("orders.remind", "90d");
    const { messages, ...rest } = await json<Listed>("scheduled", "list");
    expect(rest).toEqual({ app: "shop", total: 3, more: false, schedules: [] });
    expect(messages.map(({ id, target, by }) => [id, target, by])).toEqual([
      [2, "orders.byhand", "$send"],
      [1, "orders.remind", "shop/remind"],
      [3, "orders.remind", "shop/remind"],
    ]);
    const limited = await json<Listed>("scheduled", "list", "--limit", "1", "--handler", "shop/remind");
    expect(limited).toMatchObject({ total: 3, more: true, messages: [{ id: 1 }] });
    expect((await cli("scheduled", "list")).stdout).toMatch(/ID +LEAVES +.*\n +2 .* orders\.byhand +\$send/);
  });

  it("cancels, and cancelling again is no failure", async () => {
    await json("send", "orders.cancelled", "{}", "--delay", "1h");
    expect(await json("scheduled", "cancel", "1")).toMatchObject({ cancelled: [1], missing: [], leaving: [] });
    expect(await cli("scheduled", "cancel", "1", "7")).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^1 does not wait: .*\n7 does not wait/),
    });
    expect((await json<Listed>("scheduled", "list")).total).toBe(0);
  });

  it("cancels what replicas have put off already: it never leaves, and what is due with it does", async () => {
    const { connection } = stage.client;
    const byHand = { connection, app: "shop", clock: systemClock };
    const store = (n: number, later: Later) =>
      storeByHand({ subject: `orders.${n}`, payload: Buffer.from(`{"n":${n}}`), headers: undefined, later }, byHand);
    const heard = await stage.client.collect<{ n: number }>("orders.*");
    const first = await store(1, { kind: "delay", delayMs: 6_000 });
    const second = await store(2, { kind: "at", atMs: first.dueMs });
    const putOff = async () =>
      (await jsm.consumers.list("LATER_shop").next()).reduce((sum, info) => sum + info.num_ack_pending, 0);
    await expect.poll(putOff).toBe(2);
    const box = new LaterBox(connection, "shop", systemClock);
    expect([await box.cancel(first.id), await box.cancel(first.id)]).toEqual(["cancelled", "missing"]);
    await store(3, { kind: "at", atMs: second.dueMs + 500 });
    expect(await heard.until(2)).toEqual([{ n: 2 }, { n: 3 }]);
    await expect.poll(async () => (await jsm.streams.info("LATER_shop")).state.messages).toBe(0);
  });

  it("says that what is due leaves, and refuses what is no number", async () => {
    await stage.client.connection.flush();
    await app.close();
    await json("send", "orders.due", "{}", "--delay", "10ms");
    expect(await cli("scheduled", "cancel", "1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("1 is due, and leaves"),
    });
    expect(await cli("scheduled", "cancel", "x")).toMatchObject({ code: 2 });
    expect(await cli("scheduled", "cancel")).toMatchObject({ code: 2 });
  });
});

describe("handlers send", () => {
  it("refuses both of --delay and --at, what is no time, and what is too far ahead", async () => {
    expect(await cli("send", "a", "1", "--delay", "1s", "--at", "18:30")).toMatchObject({ code: 2 });
    expect(await cli("send", "a", "1", "--at", "soon")).toMatchObject({ code: 2 });
    expect(await cli("send", "a", "1", "--delay", "400d")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("more than 366 days ahead"),
    });
  });

  it("for a time that has passed sends at once", async () => {
    const heard = await stage.client.collect("orders.past");
    await cli("send", "orders.past", "{}", "--at", "2020-01-01");
    expect(await heard.until(1)).toEqual([{}]);
  });
});

describe("what cannot leave", () => {
  it("since its stream is gone becomes a dead letter, which goes where it was meant for when it is sent again", async () => {
    await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
    await remind("out.a", "15s");
    await jsm.streams.delete("OUT");
    const box = new DeadLetterBox(stage.client.connection, "shop");
    await expect.poll(() => box.list(), { timeout: 40_000, interval: 100 }).toHaveLength(1);
    expect((await json<{ letters: object[] }>("dlq", "list")).letters).toMatchObject([
      {
        handler: "shop/remind",
        reason: "not-published",
        subject: "out.a",
        message: expect.stringMatching(/stream "OUT" took "out\.a" when it was published, and no stream takes it now/),
      },
    ]);
    expect((await json<Listed>("scheduled", "list")).total).toBe(0);
    await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
    // The runtime knows for some seconds that no stream takes it.
    const sendAgain = async () => {
      const [letter] = await box.list();
      if (letter !== undefined) await json("dlq", "redrive", String(letter.id));
      return (await jsm.streams.info("OUT")).state.messages;
    };
    await expect.poll(sendAgain, { timeout: 50_000, interval: 500 }).toBe(1);
    const stored = (await jsm.streams.getMessage("OUT", { seq: 1 }))!;
    expect(stored.json()).toEqual({ reminded: true });
    expect([...stored.header.keys()].sort()).toEqual(["Handlers-Cause", "Handlers-Hops", "Nats-Msg-Id"]);
  });
});

describe("what this connection may not publish", () => {
  it("becomes a dead letter with the reason, when it is due", async () => {
    const user = '{ user: app, password: secret, permissions: { publish: { deny: ["secret.>"] } } }';
    const server = await startTestServer({ config: `authorization { users: [${user}] }\nno_auth_user: app\n` });
    const env = { NATS_URL: server.url };
    const there = (...args: string[]) => runCli([...args, "--app", "shop"], { cwd: app.project.rootDir, env });
    const other = await stage.start({
      project: app.project,
      config: { app: "shop", nats: { servers: server.url } },
      handlers: {},
    });
    try {
      await there("send", "secret.a", "{}", "--delay", "300ms");
      const box = new DeadLetterBox(other.runtime.connection, "shop");
      await expect.poll(() => box.list(), { timeout: 40_000, interval: 100 }).toHaveLength(1);
      expect((await there("dlq", "list")).stdout).toMatch(/\$send +not-published .*secret\.a/);
      expect((await there("dlq", "show", "1")).stdout).toContain('may not publish to "secret.a"');
    } finally {
      await other.close();
      await server.stop();
    }
  });
});
