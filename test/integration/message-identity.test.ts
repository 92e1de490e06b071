// What messages are called: nobody's publish or dead letter is taken for that of another message.

import { type JetStreamManager, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();
let connection: NatsConnection;
let jsm: JetStreamManager;
beforeEach(async () => {
  await useConnection(stage.client.connection);
  await removeStreams(jsm);
});

/** The one that the helpers below use. */
async function useConnection(used: NatsConnection): Promise<void> {
  connection = used;
  jsm = await jetstreamManager(used);
}

/** One that a test may restart; the helpers use it from now on. */
let own: TestServer | undefined;
async function startServer(): Promise<TestServer> {
  own = await startTestServer();
  await useConnection(await connect({ servers: own.url, reconnectTimeWait: 20 }));
  return own;
}
afterEach(async () => {
  if (own === undefined) return;
  await connection.close();
  await own.stop();
  own = undefined;
});

async function store(subject: string, count: number): Promise<void> {
  const js = jetstream(connection);
  for (let at = 0; at < count; at++) await js.publish(subject, JSON.stringify({ at }));
}

const messagesIn = async (stream: string) => (await jsm.streams.info(stream)).state.messages;

const forwarding = (app: string) => `
export const metadata = { subject: "orders.placed", kind: "durable" };
export default ({ at }, ctx) => ctx.publish("${app}.started", { at });
`;

describe("two apps with a handler of the same name", () => {
  it("both have all of their publishes stored, whatever streams they come from and go to", async () => {
    await jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
    await jsm.streams.add({ name: "EVENTS", subjects: ["billing.>", "shipping.>"] });
    const apps = await Promise.all(
      ["billing", "shipping"].map((app) =>
        stage.start({ config: { app }, handlers: { "on-order.js": forwarding(app) } }),
      ),
    );
    await store("orders.placed", 100);
    for (const app of apps) await expect.poll(() => app.status("on-order").handled, { timeout: 20_000 }).toBe(100);
    expect(await messagesIn("EVENTS")).toBe(200);
  });
});

const FORWARDS_OR_FAILS = {
  "forward.js": `
    export const metadata = { subject: "orders.good", kind: "durable" };
    export default ({ at }, ctx) => ctx.publish("out.good", { at, id: ctx.id });`,
  "fail.js": `
    export const metadata = { subject: "orders.bad", kind: "durable", retry: { attempts: 1 } };
    export default () => { throw new Error("bad"); };`,
};

describe("a stream that counts from 1 again", () => {
  const ORDERS = { name: "ORDERS", subjects: ["orders.>"] };

  /** Five of each, before and after. */
  async function accountFor(app: TestRuntime, makeAnew: () => Promise<unknown>): Promise<void> {
    const letters = () => new DeadLetterBox(connection, "shop").list();
    for (const round of [1, 2]) {
      if (round === 2) await makeAnew();
      for (const subject of ["orders.good", "orders.bad"]) await store(subject, 5);
      await expect.poll(() => app.status("forward").handled, { timeout: 30_000 }).toBe(5 * round);
      await expect.poll(() => app.status("fail").failed, { timeout: 30_000 }).toBe(5 * round);
      // Else a letter may still be on its way when the stream goes.
      await expect.poll(async () => (await letters()).length, { timeout: 30_000 }).toBe(5 * round);
    }
    expect(await messagesIn("OUT")).toBe(10);
    const ids = new Set<unknown>();
    for (let seq = 1; seq <= 10; seq++) {
      const stored = await jsm.streams.getMessage("OUT", { seq });
      ids.add(stored?.json<{ id: string }>().id);
    }
    expect(ids.size).toBe(10);
    expect(app.told("runtime.notice").filter(({ message }) => message.includes("did not store it"))).toEqual([]);
  }

  it("since it was deleted and made again under a running app loses no dead letter and no publish", async () => {
    await jsm.streams.add(ORDERS);
    await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
    const app = await stage.start({ handlers: FORWARDS_OR_FAILS });
    await accountFor(app, async () => {
      await jsm.streams.delete("ORDERS");
      await jsm.streams.add(ORDERS);
    });
  });

  it("since it was in memory and the server restarted loses no dead letter and no publish", async () => {
    const server = await startServer();
    const inMemory = { ...ORDERS, storage: StorageType.Memory };
    await jsm.streams.add(inMemory);
    await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
    const app = await stage.start({ handlers: FORWARDS_OR_FAILS, config: { nats: { servers: server.url } } });
    await accountFor(app, async () => {
      await app.after(() => server.restart(), "nats.reconnected");
      await expect.poll(() => jsm.getAccountInfo().then(() => "there", String), { timeout: 30_000 }).toBe("there");
      await jsm.streams.info("ORDERS").catch(() => jsm.streams.add(inMemory));
    });
    await app.close();
  });
});

it("what a run publishes again is stored once, and what it publishes instead is stored too", async () => {
  await jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
  await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
  const app = await stage.start({
    handlers: {
      "twice.js": `
        export const metadata = { subject: "orders.placed", kind: "durable", retry: { backoff: "10ms" } };
        export default async ({ at }, ctx) => {
          if (ctx.attempt < 3) await ctx.publish("out.started", { at });
          else await ctx.publish("out.ended", { at });
          if (ctx.attempt < 3) throw new Error("again");
        };`,
    },
  });
  await store("orders.placed", 1);
  await expect.poll(() => app.status("twice").handled, { timeout: 30_000 }).toBe(1);
  expect((await jsm.streams.info("OUT", { subjects_filter: ">" })).state.subjects).toEqual({
    "out.started": 1,
    "out.ended": 1,
  });
  expect(app.told("runtime.notice").filter(({ message }) => message.includes("did not store it"))).toEqual([]);
});
