// Outputs of a message, stored as one and once: wherever the process or the runtime is killed, and however late the message comes again.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JetStreamManager, jetstream, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { isSince } from "../../runtime/nats/server-version.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { startTestServer } from "../support/nats-server.ts";
import { createProject } from "../support/project.ts";
import { startReplicas } from "../support/replicas.ts";
import { shown, useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
const LONGEST_MS = 300_000;
const WINDOW_MS = 1_000;

/** `diesAt`: in its first run. */
const BILL = `
  export const metadata = {
    subject: "orders.placed",
    kind: "durable",
    outputs: "atomic",
    concurrency: 8,
    retry: { attempts: 10, backoff: "50ms" },
  };
  export default async ({ n, diesAt, throws, to }, ctx) => {
    await ctx.publish("bills.made", { n });
    if (diesAt === "one is kept back" && ctx.attempt === 1) process.kill(process.pid, "SIGKILL");
    await ctx.publish(to ?? "bills.mailed", { n });
    if (throws) throw new Error("no");
    if (diesAt === "all are kept back" && ctx.attempt === 1) process.kill(process.pid, "SIGKILL");
  };`;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function streams(bills: Partial<StreamConfig> = {}): Promise<JetStreamManager> {
  const manager = await jetstreamManager(stage.client.connection);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
  await manager.streams.add({
    name: "BILLS",
    subjects: ["bills.>", "outputs.shop.>"],
    allow_atomic: true,
    duplicate_window: WINDOW_MS * 1e6,
    ...bills,
  });
  cleanups.push(() => Promise.all(["ORDERS", "BILLS"].map((name) => manager.streams.delete(name))));
  return manager;
}

async function place(orders: readonly object[]): Promise<void> {
  const { connection } = stage.client;
  for (const [n, order] of orders.entries()) connection.publish("orders.placed", JSON.stringify({ n, ...order }));
  await connection.flush();
}

/** Each of these orders has been handled. */
async function settled(manager: JetStreamManager, count: number): Promise<void> {
  const floor = async () => {
    const durable = durableNameOf("shop", "bill", "orders.placed");
    // It may be about to be made anew.
    const info = await manager.consumers.info("ORDERS", durable).catch(() => undefined);
    return info?.ack_floor.stream_seq;
  };
  await expect.poll(floor, { timeout: LONGEST_MS, interval: 100 }).toBe(count);
}

/** Subjects and numbers of what is stored, without the marks; in their order. */
async function outputs(manager: JetStreamManager): Promise<string[]> {
  const { state } = await manager.streams.info("BILLS", { subjects_filter: "bills.>" });
  const left = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
  const found: string[] = [];
  if (left === 0) return found;
  const consumer = await jetstream(stage.client.connection).consumers.get("BILLS", { filter_subjects: "bills.>" });
  for await (const message of await consumer.consume()) {
    found.push(`${message.subject} ${message.json<{ n: number }>().n}`);
    if (found.length === left) return found;
  }
  return found;
}

const both = (count: number) =>
  Array.from({ length: count }, (_, n) => [`bills.made ${n}`, `bills.mailed ${n}`])
    .flat()
    .toSorted();

async function marks(manager: JetStreamManager): Promise<number> {
  const { state } = await manager.streams.info("BILLS", { subjects_filter: "outputs.shop.bill.*" });
  return Object.keys(state.subjects ?? {}).length;
}

const has = (since: readonly [number, number]) => isSince(stage.client.connection.info?.version, since);

describe("on a server that has batches", () => {
  it("what a run publishes is stored in its order when it has returned, and nothing where it throws", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams();
    const app = await stage.start({ mode: "start", handlers: { "bill.ts": BILL } });
    await place([{}, { throws: true }, {}]);
    await app.next("delivery.failed", {}, 0);
    await expect.poll(() => marks(manager)).toBe(2);
    expect((await outputs(manager)).toSorted()).toEqual(
      ["bills.made 0", "bills.made 2", "bills.mailed 0", "bills.mailed 2"].toSorted(),
    );
    const first = (await outputs(manager)).filter((text) => text.endsWith("0"));
    expect(first).toEqual(["bills.made 0", "bills.mailed 0"]);
  });

  it("all that is stored comes again, long after the window of message ids: nothing is stored twice", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams();
    const app = await stage.start({ mode: "start", handlers: { "bill.ts": BILL } });
    await place(Array.from({ length: 100 }, () => ({})));
    await settled(manager, 100);
    const before = await outputs(manager);
    // An id of before is forgotten by now: it is stored again.
    const again = () => jetstream(stage.client.connection).publish("bills.id", "{}", { msgID: "one" });
    await again();
    await expect.poll(async () => (await again()).duplicate, { interval: 200 }).toBe(false);
    await manager.streams.purge("BILLS", { filter: "bills.id" });
    await manager.consumers.delete("ORDERS", durableNameOf("shop", "bill", "orders.placed"));
    // Nobody has counted that they came before: they run, and what they publish is there already.
    await app.next("runtime.notice", ({ message }) => message.includes("its mark"), 0);
    await settled(manager, 100);
    expect(await outputs(manager)).toEqual(before);
    expect(before.toSorted()).toEqual(both(100));
  });

  it("a replay of what is marked is let pass, unrun; without its mark it is run, and its outputs are stored anew", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams();
    const app = await stage.start({ mode: "dev", handlers: { "bill.ts": BILL } });
    const replay = (...more: string[]) =>
      runCli(["replay", "bill", "--from", "1", "--app", "shop", ...more], {
        cwd: app.project.rootDir,
        env: { NATS_URL: stage.server.url },
      });
    await place([{}, {}, {}]);
    await settled(manager, 3);
    expect(await replay()).toMatchObject({ code: 0 });
    await expect.poll(() => app.status("bill").filtered).toBe(3);
    expect(app.status("bill").handled).toBe(3);
    expect((await outputs(manager)).toSorted()).toEqual(both(3));
    await manager.streams.purge("BILLS", { filter: "outputs.shop.bill.*" });
    await replay("--again");
    await expect.poll(() => app.status("bill").handled).toBe(6);
    expect((await outputs(manager)).toSorted()).toEqual([...both(3), ...both(3)].toSorted());
  });

  it("a group and an order over all replicas go with it", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams();
    const source = `
      export const metadata = {
        subject: "orders.*.placed", kind: "durable", outputs: "atomic", group: "money", orderBy: { wildcard: 0 },
        retry: { attempts: 3, backoff: "10ms" },
      };
      export default async ({ n }, ctx) => {
        await ctx.publish("bills.made", { n });
        if (n % 7 === 0 && ctx.attempt === 1) throw new Error("once more");
        await ctx.publish("bills.mailed", { n });
      };`;
    const app = await stage.start({ mode: "dev", handlers: { "bill.ts": source } });
    const { connection } = stage.client;
    for (let n = 0; n < 50; n++) connection.publish(`orders.${n % 5}.placed`, JSON.stringify({ n }));
    await expect.poll(() => app.status("bill").handled).toBe(50);
    const stored = await outputs(manager);
    expect(stored.toSorted()).toEqual(both(50));
    const ofFirstKey = stored.filter((text) => text.startsWith("bills.made") && Number(text.slice(11)) % 5 === 0);
    expect(ofFirstKey).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45].map((n) => `bills.made ${n}`));
  });

  it("whoever takes the outputs has each once: as they are stored, in an order that the server makes or a replica, and after a failure", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams();
    const taking = (more: string) => `
      export const metadata = { subject: "bills.*", kind: "durable", retry: { attempts: 1 }, ${more} };
      export default ({ n }) => {
        if (n === 3) throw new Error("a letter");
      };`;
    const app = await stage.start({
      mode: "dev",
      handlers: {
        "bill.ts": BILL,
        "plain.js": taking(""),
        "wildcard.js": taking("orderBy: { wildcard: 0 }"),
        "field.js": taking('orderBy: { field: "n" }'),
      },
    });
    await place(Array.from({ length: 20 }, () => ({})));
    const counts = () =>
      ["plain", "wildcard", "field"].map((name) => [app.status(name).handled, app.status(name).failed]);
    await expect.poll(counts).toEqual([
      [38, 2],
      [38, 2],
      [38, 2],
    ]);
    const letters = async () => (await new DeadLetterBox(stage.client.connection, "shop").list()).length;
    await expect.poll(letters).toBe(6);
    expect((await outputs(manager)).toSorted()).toEqual(both(20));
  });

  it(
    "kill -9 of the worker at each point: each message has its outputs once",
    async (test) => {
      test.skip(!has([2, 12]));
      const manager = await streams();
      const app = await stage.start({ mode: "start", handlers: { "bill.ts": BILL } });
      const dies: (string | undefined)[] = ["one is kept back", "all are kept back", "all have left", "all have left"];
      const count = volume(500, 120);
      const apart = Math.floor(count / 8);
      const orders = Array.from({ length: count }, (_, n) => ({
        diesAt: n % apart === 7 ? dies[((n - 7) / apart) % 4] : undefined,
      }));
      // The mark is the last to leave: those who listen hear of it before it is stored, and the worker after that.
      const deadly = new Set(orders.flatMap(({ diesAt }, n) => (diesAt === "all have left" ? [n + 1] : [])));
      stage.client.connection.subscribe("outputs.shop.bill.*", {
        callback(_error, { subject }) {
          const seq = Number(subject.split(":")[1]);
          const [pid] = app.status("bill").pids;
          if (deadly.delete(seq) && pid !== undefined) process.kill(pid, "SIGKILL");
        },
      });
      await place(orders);
      await settled(manager, orders.length);
      expect(deadly.size).toBe(0);
      expect(app.told("worker.exited", 0).filter(({ expected }) => !expected).length).toBeGreaterThanOrEqual(8);
      expect((await outputs(manager)).toSorted()).toEqual(both(orders.length));
      expect(await marks(manager)).toBe(orders.length);
      const letters = await new DeadLetterBox(stage.client.connection, "shop").list();
      expect(letters.filter(({ handler }) => handler === "bill")).toEqual([]);
    },
    LONGEST_MS,
  );

  it(
    "kill -9 of the runtime when all has left and nothing is acknowledged: each message has its outputs once",
    async (test) => {
      test.skip(!has([2, 12]));
      const manager = await streams();
      const replicas = await startReplicas({
        url: stage.server.url,
        files: { "bill.ts": BILL },
        environments: [{}],
      });
      cleanups.push(() => replicas.close());
      const kills = new Set([20, 140].slice(0, volume(2, 1)));
      const times = kills.size;
      const killed: Promise<unknown>[] = [];
      stage.client.connection.subscribe("outputs.*.bill.*", {
        callback(_error, { subject }) {
          if (!kills.delete(Number(subject.split(":")[1]))) return;
          process.kill(replicas.pids()[0]!, "SIGKILL");
          killed.push(replicas.processes[0]!.ended.then(() => replicas.restart()));
        },
      });
      const orders = Array.from({ length: volume(250, 80) }, () => ({}));
      await place(orders);
      await settled(manager, orders.length);
      await Promise.all(killed);
      expect(killed).toHaveLength(times);
      expect((await outputs(manager)).toSorted()).toEqual(both(orders.length));
      expect(await marks(manager)).toBe(orders.length);
    },
    LONGEST_MS,
  );

  it("an output that another stream takes, or none, is refused with its subject, and nothing is stored", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams();
    await manager.streams.add({ name: "MAILS", subjects: ["mails.>"] });
    cleanups.push(() => manager.streams.delete("MAILS"));
    const app = await stage.start({ mode: "start", handlers: { "bill.ts": BILL } });
    await place([{ to: "mails.sent" }]);
    const elsewhere = await app.next("delivery.failed", {}, 0);
    expect(shown(elsewhere)).toContain('publish to "mails.sent": stream "MAILS" takes it');
    await place([{ to: "nowhere.at.all" }]);
    const nowhere = await app.next("delivery.failed", (event) => shown(event).includes("nowhere"), 0);
    expect(shown(nowhere)).toContain('publish to "nowhere.at.all": no stream takes it');
    expect(await outputs(manager)).toEqual([]);
  });

  it("what cannot be stored with the rest is refused where it is published", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams();
    const source = `
      export const metadata = { subject: "orders.placed", kind: "durable", outputs: "atomic", retry: { attempts: 1 } };
      export default async ({ n }, ctx) => {
        const codes = [];
        const tried = async (act) => { try { await act(); } catch ({ code }) { codes.push(code); } };
        await tried(() => ctx.publish("bills.made", {}, { delay: "1m" }));
        await tried(() => ctx.once("part", () => ctx.publish("bills.made", {})));
        await tried(() => ctx.defer({ lease: "1m" }));
        for (let i = 0; i < 999; i++) await ctx.publish("bills.many", i);
        await tried(() => ctx.publish("bills.made", {}));
        await ctx.request("codes", codes);
      };`;
    const codes = stage.client.connection.subscribe("codes", {
      callback: (_error, message) => void message.respond("{}"),
    });
    const heard = await stage.client.collect<string[]>("codes");
    await stage.start({ mode: "start", handlers: { "bill.ts": source } });
    await place([{}]);
    await expect.poll(() => marks(manager)).toBe(1);
    expect(heard.values).toEqual([["NOT_ATOMIC", "NOT_ATOMIC", "CANNOT_DEFER", "TOO_MANY_OUTPUTS"]]);
    const { state } = await manager.streams.info("BILLS");
    expect(state.messages).toBe(1_000);
    codes.unsubscribe();
  });

  it("the handler waits for a stream that stores batches, and serves as soon as there is one", async (test) => {
    test.skip(!has([2, 12]));
    const manager = await streams({ allow_atomic: false });
    const app = await stage.start({ mode: "start", handlers: { "bill.ts": BILL } });
    const failed = await app.next("handler.failed", {}, 0);
    expect(shown(failed)).toContain('stream "BILLS" stores no batch as one: switch `allow_atomic` on');
    await place([{}]);
    await manager.streams.update("BILLS", { allow_atomic: true });
    await settled(manager, 1);
    expect(await outputs(manager)).toEqual(["bills.made 0", "bills.mailed 0"]);
  });

  it("a declared stream is given what it needs, and the marks their time where the stream lets them have one", async (test) => {
    test.skip(!has([2, 12]));
    const config = {
      streams: [
        { name: "ORDERS", subjects: ["orders.>"] },
        { name: "BILLS", subjects: ["bills.>", "outputs.shop.>"], atomic: true },
      ],
    };
    const app = await stage.start({ mode: "dev", config, handlers: { "bill.ts": BILL } });
    const manager = await jetstreamManager(stage.client.connection);
    cleanups.push(() => Promise.all(["ORDERS", "BILLS"].map((name) => manager.streams.delete(name))));
    await manager.streams.update("BILLS", { allow_msg_ttl: true });
    await app.close();
    await stage.start({ mode: "dev", config, handlers: { "bill.ts": BILL } });
    await place([{}]);
    await settled(manager, 1);
    const mark = await manager.streams.getMessage("BILLS", { last_by_subj: "outputs.shop.bill.*" });
    expect(mark?.header?.get("Nats-TTL")).toBe("3456000s");
  });
});

it("without a stream for its marks the handler says which subject to add, and to which setting", async (test) => {
  test.skip(!has([2, 12]));
  const manager = await streams({ subjects: ["bills.>"] });
  const app = await stage.start({ mode: "start", handlers: { "bill.ts": BILL } });
  const failed = shown(await app.next("handler.failed", {}, 0));
  expect(failed).toContain('no stream takes its marks, "outputs.shop.bill.*"');
  expect(failed).toContain('Add "outputs.shop.>" to the subjects');
  expect(await outputs(manager)).toEqual([]);
});

it("an older server is named with the version that it takes, and nothing is published", async (test) => {
  test.skip(has([2, 12]));
  const manager = await streams();
  const app = await stage.start({ mode: "start", handlers: { "bill.ts": BILL } });
  const failed = shown(await app.next("handler.failed", {}, 0));
  expect(failed).toMatch(/cannot store its outputs as one .*: this is nats-server .*, and it takes 2\.12/);
  await place([{}]);
  expect((await manager.streams.info("BILLS")).state.messages).toBe(0);
});

it("the permissions that are printed are enough, also to look for marks when a message comes again", async (test) => {
  test.skip(!has([2, 12]));
  const source = `
    export const metadata = {
      subject: "orders.placed",
      kind: "durable",
      outputs: "atomic",
      publishes: ["bills.made"],
      retry: { attempts: 3, backoff: "50ms" },
    };
    export default async ({ n }, ctx) => {
      await ctx.publish("bills.made", { n });
      if (ctx.attempt === 1) throw new Error("once more");
    };`;
  const project = createProject({ "bill.js": source });
  cleanups.push(() => project.end());
  const config = `export default { app: "shop", streams: [
    { name: "ORDERS", subjects: ["orders.>"] },
    { name: "BILLS", subjects: ["bills.>", "outputs.shop.>"], atomic: true },
  ] };`;
  writeFileSync(join(project.rootDir, "handlers.config.ts"), config);
  const cwd = project.rootDir;
  const inbox = "_INBOX_runtime";
  const { stdout } = await runCli(["permissions", "--for", "serve"], { cwd, env: { NATS_INBOX_PREFIX: inbox } });
  const users = `{ user: runtime, password: s\n${stdout}}, { user: admin, password: s }`;
  const server = await startTestServer({ config: `authorization { users: [${users}] }` });
  cleanups.push(() => server.stop());
  const as = (user: string) => ({
    NATS_URL: server.url,
    NATS_USER: user,
    NATS_PASSWORD: "s",
    NATS_INBOX_PREFIX: inbox,
  });
  const started = async (user: string, ...args: string[]) => {
    const process = startCli(["start", ...args], { cwd, env: as(user) });
    await process.printed(/"event":"runtime.ready"/);
    return async () => {
      process.child.kill("SIGTERM");
      await process.ended;
    };
  };
  await (await started("admin", "--provision"))();
  cleanups.push(await started("runtime"));
  const connection = await connect({ servers: server.url, user: "admin", pass: "s" });
  cleanups.push(() => connection.close());
  const manager = await jetstreamManager(connection);
  await jetstream(connection).publish("orders.placed", JSON.stringify({ n: 1 }));
  await expect.poll(async () => (await manager.streams.info("BILLS")).state.messages).toBe(2);
  const refused = readFileSync(server.logFile, "utf8")
    .split("\n")
    .filter((line) => line.includes("Violation"));
  expect(refused).toEqual([]);
});
