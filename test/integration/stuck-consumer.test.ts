// What an operator, the server or the handler's own retries can do to a consumer that serves: each is seen, and ends.

import { jetstreamManager } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { runCli } from "../support/cli-process.ts";
import { freePort } from "../support/free-port.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

/** Longer than it may take until a hold is seen, or its end. */
const SEEN = { timeout: 10_000, interval: 50 };

const SAVE = `
  export const metadata = { subject: "t.x", kind: "durable", concurrency: 16 };
  export default (n, ctx) => ctx.publish("saved", n);
`;

const stage = useStage();

interface Served {
  readonly app: TestRuntime;
  readonly stuck: () => Promise<unknown>;
  /** Edit the durable as an operator does. */
  readonly edit: (change: Record<string, unknown>) => Promise<void>;
  readonly jsm: Awaited<ReturnType<typeof jetstreamManager>>;
  readonly stream: string;
  readonly durable: string;
}

async function serve(text = SAVE): Promise<Served> {
  const port = await freePort();
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  const app = await stage.start({ handlers: { "save.ts": text }, config: { http: { port } } });
  const stream = await jsm.streams.find("t.x");
  const durable = durableNameOf("shop", "save", "t.x");
  return {
    app,
    jsm,
    stream,
    durable,
    async stuck() {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      const { stuck } = (await response.json()) as { stuck: { reason: string }[] };
      return [response.status, ...stuck.map(({ reason }) => reason)];
    },
    async edit(change) {
      const { config } = await jsm.consumers.info(stream, durable);
      await jsm.consumers.update(stream, durable, { ...config, ...change });
    },
  };
}

const level = () => stage.client.connection.info?.api_lvl ?? 0;

function publish(from: number, to: number): number[] {
  const numbers = Array.from({ length: to - from }, (_, at) => from + at);
  for (const number of numbers) stage.client.publish("t.x", number);
  return numbers;
}

describe("limits on pulls", () => {
  it.each([{ max_batch: 4 }, { max_expires: 1e9 }])(
    "%o set on a durable that serves are kept to, without a restart",
    async (limit) => {
      const { edit, app, stuck } = await serve();
      const saved = await stage.client.collect<number>("saved");
      await edit(limit);
      const numbers = publish(0, 100);
      expect((await saved.until(100)).toSorted((a, b) => a - b)).toEqual(numbers);
      expect(app.told("handler.held")).toEqual([]);
      expect(await stuck()).toEqual([200]);
    },
  );

  it.for(["overflow", "prioritized", "pinned_client"])(
    "a priority group (%s) given to a durable that serves is joined",
    async (policy, { skip }) => {
      skip(level() < 2, "priority groups need nats-server 2.11, and what tells its level 2.12");
      const { edit, stuck } = await serve();
      const saved = await stage.client.collect<number>("saved");
      await edit({ priority_groups: ["g"], priority_policy: policy });
      const numbers = publish(0, 100);
      expect((await saved.until(100)).toSorted((a, b) => a - b)).toEqual(numbers);
      expect(await stuck()).toEqual([200]);
    },
  );

  it("a group that pins one replica is served by the next one, whether it closes or an operator unpins it", async ({
    skip,
  }) => {
    skip(level() < 2, "priority groups need nats-server 2.11, and what tells its level 2.12");
    const { edit, app, stream, durable } = await serve(`
      export const metadata = { subject: "t.x", kind: "durable", concurrency: 16 };
      export default (n, ctx) => ctx.publish("saved", { n, by: process.pid });
    `);
    const saved = await stage.client.collect<{ n: number; by: number }>("saved");
    await edit({ priority_groups: ["g"], priority_policy: "pinned_client", priority_timeout: 2e9 });
    publish(0, 100);
    await saved.until(100);
    const two = await stage.start({ project: app.project });
    expect(two.status("save").state).toBe("serving");
    publish(100, 200);
    await saved.until(200);
    await stage.client.connection.request(
      `$JS.API.CONSUMER.UNPIN.${stream}.${durable}`,
      JSON.stringify({ group: "g" }),
    );
    publish(200, 300);
    await saved.until(300);
    await app.close();
    publish(300, 400);
    const all = await saved.until(400);
    expect(all.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect(all.slice(-100).some(({ by }) => by === all[0]!.by)).toBe(false);
  });
});

it("an ack_wait that is lowered is kept to: a run that takes longer is not delivered again", async () => {
  const { edit, jsm, stream, durable } = await serve(`
    import { setTimeout } from "node:timers/promises";
    export const metadata = { subject: "t.x", kind: "durable" };
    export default async (n, ctx) => {
      await setTimeout(5_000);
      await ctx.publish("saved", n);
    };
  `);
  const saved = await stage.client.collect<number>("saved");
  await edit({ ack_wait: 2e9 });
  const looks = await stage.client.collect(`$JS.API.CONSUMER.INFO.${stream}.${durable}`);
  await looks.until(2); // While it waits.
  publish(0, 1);
  expect(await saved.until(1)).toEqual([0]);
  await expect.poll(async () => (await jsm.consumers.info(stream, durable)).num_ack_pending, SEEN).toBe(0);
  expect((await jsm.consumers.info(stream, durable)).delivered.consumer_seq).toBe(1);
});

it("a consumer that an operator has paused is said to be so, is no reason not to be ready, and goes on", async ({
  skip,
}) => {
  skip(level() < 2, "pausing a consumer needs nats-server 2.11, and what tells its level 2.12");
  const { stuck, app, stream, durable } = await serve();
  const saved = await stage.client.collect<number>("saved");
  const pause = (body: object) =>
    stage.client.connection.request(`$JS.API.CONSUMER.PAUSE.${stream}.${durable}`, JSON.stringify(body));
  await pause({ pause_until: new Date(Date.now() + 3_600_000).toISOString() });
  publish(0, 3);
  await expect.poll(stuck, SEEN).toEqual([200, "paused"]);
  expect(app.status("save").holds[0]?.text).toMatch(/paused by an operator until \d{4}-/);
  const shown = async (...args: string[]) =>
    (await runCli(args, { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } })).stdout;
  const screen = await shown("status", "--app", "shop");
  expect(screen).toContain("1 handler, 1 stuck");
  expect(screen).toMatch(/^! save +serving/m);
  expect(screen).toMatch(/stuck for .*paused by an operator\s+until/);
  expect(await shown("inspect", "save", "--app", "shop")).toContain("paused by an operator until");
  expect(await shown("enable", "save", "--app", "shop")).toContain("still paused by an operator until");
  await pause({});
  expect(await saved.until(3)).toEqual([0, 1, 2]);
  await expect.poll(stuck, SEEN).toEqual([200]);
});

it("retries that use up what may be unacknowledged are said to hold the rest, until there is room", async () => {
  const { stuck, app, edit } = await serve(`
    import { RetryLater } from "nats-handlers";
    export const metadata = { subject: "t.x", kind: "durable", concurrency: 16 };
    export default (n, ctx) => {
      if (n < 8) throw new RetryLater("1h");
      return ctx.publish("saved", n);
    };
  `);
  const saved = await stage.client.collect<number>("saved");
  await edit({ max_ack_pending: 8 });
  publish(0, 11);
  await expect.poll(stuck, SEEN).toEqual([503, "retries-waiting"]);
  expect(app.status("save").holds[0]?.text).toMatch(/^8 of 8 acknowledgements .* the next is due at \d{4}-/);
  await edit({ max_ack_pending: 20 });
  expect(await saved.until(3)).toEqual([8, 9, 10]);
  await expect.poll(stuck, SEEN).toEqual([200]);
});

it("a stream that takes no more of what a handler publishes is named, until it does", async () => {
  const { stuck, app, jsm } = await serve(`
    export const metadata = { subject: "t.x", kind: "durable", retry: { attempts: 100, backoff: ["500ms"] } };
    export default (n, ctx) => ctx.publish("out.x", n);
  `);
  await jsm.streams.add({ name: "OUT", subjects: ["out.>"], max_msgs: 1, discard: "new" });
  publish(0, 2);
  await expect.poll(stuck, SEEN).toEqual([503, "writes-refused"]);
  expect(app.status("save").holds[0]?.text).toContain("maximum messages exceeded");
  await jsm.streams.update("OUT", { max_msgs: 10 });
  await expect.poll(stuck, SEEN).toEqual([200]);
  await expect.poll(async () => (await jsm.streams.info("OUT")).state.messages, SEEN).toBe(2);
});

it("a stream that is gone is told, and the handler goes on when it is there again", async () => {
  const { stuck, app, jsm, stream } = await serve();
  const saved = await stage.client.collect<number>("saved");
  const { config } = await jsm.streams.info(stream);
  await jsm.streams.delete(stream);
  await expect.poll(stuck, SEEN).toEqual([503, "no-answer"]);
  expect(app.status("save").holds[0]?.text).toMatch(/stream not found|does not take/);
  await jsm.streams.add(config);
  publish(0, 1);
  expect(await saved.until(1)).toEqual([0]);
  await expect.poll(stuck, SEEN).toEqual([200]);
});

describe("a max_deliver that somebody has set", () => {
  it("is set back, and what had reached it is a dead letter that says so", async () => {
    const { app, edit, jsm, stream, durable } = await serve(`
      export const metadata = { subject: "t.x", kind: "durable", retry: { attempts: 5, backoff: ["10ms"] } };
      export default async (n, ctx) => {
        if (n > 0) return ctx.publish("saved", n);
        await ctx.request("gate");
        throw new Error("not today");
      };
    `);
    const saved = await stage.client.collect<number>("saved");
    stage.client.connection.subscribe("gate", {
      callback: (_error, message) => void edit({ max_deliver: 1 }).then(() => message.respond()),
    });
    const setBack = app.next("runtime.notice", ({ message }) => message.includes("max_deliver of durable"));
    publish(0, 1);
    await setBack;
    await expect.poll(async () => (await jsm.consumers.info(stream, durable)).config.max_deliver, SEEN).toBe(-1);
    publish(1, 2);
    expect(await saved.until(1)).toEqual([1]);
    const letter = () => jsm.streams.getMessage("DLQ_shop", { last_by_subj: "dlq.shop.save" }).catch(() => null);
    await expect.poll(async () => (await letter())?.string(), SEEN).toBe("0");
    expect(JSON.stringify([...(await letter())!.header])).toMatch(/attempts-used.*max_deliver/);
  });

  it("does not make a letter of what is in hand, and ends well", async () => {
    const { edit, jsm, stream, durable } = await serve(`
      import { setTimeout } from "node:timers/promises";
      export const metadata = { subject: "t.x", kind: "durable" };
      export default async (n, ctx) => {
        await ctx.publish("begun", n);
        await setTimeout(4_000);
        await ctx.publish("saved", n);
      };
    `);
    const begun = await stage.client.collect<number>("begun");
    const saved = await stage.client.collect<number>("saved");
    publish(0, 1);
    await begun.until(1);
    const usedUp = await stage.client.collect(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.${durable}`);
    await edit({ max_deliver: 1, ack_wait: 500_000_000 });
    await usedUp.until(1);
    expect(await saved.until(1)).toEqual([0]);
    expect(await jsm.streams.info("DLQ_shop").catch(() => undefined)).toBeUndefined();
  });
});
