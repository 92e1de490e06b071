// `orderBy: { wildcard }`, `{ header }` and `{ field }`: messages of one key run one after another over all replicas, retries included.

import { type JetStreamManager, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { isSince } from "../../runtime/nats/server-version.ts";
import { runCli } from "../support/cli-process.ts";
import { publishRaw } from "../support/raw-publisher.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

interface Ran {
  readonly key: string;
  readonly n: number;
  readonly attempt: number;
  readonly failed: boolean;
  readonly by: string;
  readonly id: string;
}

const KEYS = 64;
const stage = useStage();
let jsm: JetStreamManager;

beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "SHOP", subjects: ["shop.>"] });
});

/** One in twenty messages fails at its first attempt. */
const handler = (options: string) => `
  export const metadata = {
    subject: "shop.*.changed", kind: "durable", env: ["REPLICA"], retry: { attempts: 5, backoff: "30ms" }, ${options}
  };
  export default async ({ n }, ctx) => {
    const failed = n % 20 === 7 && ctx.attempt === 1;
    const [key] = ctx.wildcards;
    await ctx.publish("ran", { key, n, attempt: ctx.attempt, failed, by: process.env.REPLICA, id: ctx.id });
    if (failed) throw new Error("not yet");
  };`;
const IN_ORDER = "orderBy: { wildcard: 0 }";
const BY_HEADER = 'orderBy: { header: "key" }';
const BY_FIELD = 'orderBy: { field: "of.key" }';

const start = (name: string, source = handler(IN_ORDER)) =>
  stage.start({ handlers: { "follow.js": source }, environment: { REPLICA: name } });

/** Its key is a token, a header and a field. */
function messageOf(n: number) {
  const key = `k${n % KEYS}`;
  const headers = createHeaders();
  headers.set("Key", key);
  return [`shop.${key}.changed`, JSON.stringify({ n, of: { key } }), { headers }] as const;
}

async function publish(from: number, count: number): Promise<void> {
  const js = jetstream(stage.client.connection);
  for (let n = from; n < from + count; ) {
    const some = Array.from({ length: Math.min(200, from + count - n) }, () => n++);
    await Promise.all(some.map((at) => js.publish(...messageOf(at))));
  }
}

/** What has run for good, each message once. */
const succeeded = (ran: readonly Ran[]) => ran.filter(({ failed }) => !failed);

const allOnce = (count: number) => (ran: readonly Ran[]) => succeeded(ran).length >= count;

/** Where a message began before the one before it of its key had succeeded. */
function overtaken(ran: readonly Ran[]): Ran[] {
  const last = new Map<string, Ran>();
  return ran.filter((now) => {
    const before = last.get(now.key);
    last.set(now.key, now);
    if (before === undefined) return false;
    return before.failed ? now.n !== before.n : now.n !== before.n + KEYS;
  });
}

const numbers = (ran: readonly Ran[]) =>
  succeeded(ran)
    .map(({ n }) => n)
    .sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

const orderedStreams = async () => {
  const found: string[] = [];
  for await (const name of jsm.streams.names()) if (name.startsWith("ORDER_")) found.push(name);
  return found;
};

/** What waits where, for whoever reads of a story that has failed. */
async function standing(): Promise<string> {
  const lines: string[] = [];
  for await (const { config, state } of jsm.streams.list()) {
    lines.push(`${config.name} (${config.subjects}): ${state.first_seq} to ${state.last_seq}`);
    for await (const { name, num_pending, num_ack_pending, ack_floor } of jsm.consumers.list(config.name))
      lines.push(`  ${name}: ${num_pending} pending, ${num_ack_pending} in hand, settled to ${ack_floor.stream_seq}`);
  }
  return lines.join("\n");
}

const save = (app: TestRuntime, options: string) =>
  app.after(() => app.project.write("follow.js", handler(options)), "handler.serving", { handler: "follow" });

describe("on a server that can divide a stream", () => {
  beforeEach(({ skip }) => {
    if (!isSince(stage.client.connection.info?.version, [2, 10])) skip("before 2.10");
  });

  it.each([IN_ORDER, BY_HEADER])(
    "%s: not one message of a key overtakes another, through retries, while replicas come and go, and all have their share",
    async (order) => {
      const third = volume(6_700, 400);
      const ran = await stage.client.collect<Ran>("ran");
      const start = (name: string) =>
        stage.start({ handlers: { "follow.js": handler(order) }, environment: { REPLICA: name } });
      await start("a");
      const first = publish(0, third);
      await ran.when((values) => values.length > third / 10);
      const [second] = [await start("b"), await start("c")];
      await first;
      const next = publish(third, third);
      await ran.when((values) => values.some(({ by }) => by === "b"));
      await second.close(5_000);
      await next;
      await ran.when(allOnce(2 * third));
      const before = ran.values.length;
      await publish(2 * third, third);
      await ran.when(allOnce(3 * third));
      expect(numbers(ran.values)).toEqual(upTo(3 * third));
      expect(overtaken(ran.values)).toEqual([]);
      expect(new Set(ran.values.map(({ id }) => id)).size).toBe(3 * third);
      const shared = ran.values.slice(before);
      for (const name of ["a", "c"]) {
        expect(shared.filter(({ by }) => by === name).length / shared.length).toBeGreaterThan(0.2);
      }
    },
  );

  it.each([
    ["another number of partitions", [`orderBy: { wildcard: 0, partitions: 3 }`, IN_ORDER]],
    ["another kind of key", [BY_FIELD, BY_HEADER]],
    ["a key of the subject again", [BY_HEADER, IN_ORDER]],
  ])("%s loses and doubles nothing, and replicas of both versions go on side by side", async (_, saves) => {
    const ran = await stage.client.collect<Ran>("ran");
    const [one] = [await start("a"), await start("b")];
    await publish(0, 400);
    for (const [round, options] of saves.entries()) {
      await Promise.all([publish(400 * (round + 1), 400), save(one, options)]);
    }
    const all = expect.poll(() => succeeded(ran.values).length, { timeout: 90_000 }).toBeGreaterThanOrEqual(1_200);
    await all.catch(async (cause: unknown) => {
      throw new Error(`they have not all run:\n${await standing()}\n${JSON.stringify(one.status("follow"))}`, {
        cause,
      });
    });
    expect(numbers(ran.values)).toEqual(upTo(1_200));
    expect(overtaken(ran.values)).toEqual([]);
    await expect.poll(orderedStreams).toHaveLength(1);
  });

  it.each([IN_ORDER, BY_FIELD])(
    "%s that comes, and one that goes: nothing that was handled is handled again",
    async (order) => {
      const ran = await stage.client.collect<Ran>("ran");
      const app = await start("a", handler(""));
      await publish(0, 200);
      await ran.when(allOnce(200));
      for (const [round, options] of [order, "", order].entries()) {
        const done = 200 * (round + 1);
        await save(app, options);
        await publish(done, 200);
        await ran.when(allOnce(done + 200));
        expect(numbers(ran.values)).toEqual(upTo(done + 200));
      }
    },
  );

  it.each([IN_ORDER, BY_HEADER])(
    "%s: a dead letter names the message as its own stream has it, with its number there",
    async (order) => {
      const source = handler(`${order}, retry: { attempts: 1 }`).replace("n % 20 === 7", "true");
      await start("a", source);
      const headers = createHeaders();
      headers.set("Nats-Msg-Id", "mine");
      await stage.client.connection.request("shop.k1.changed", JSON.stringify({ n: 1 }), { headers, timeout: 5_000 });
      const letter = () => jsm.streams.getMessage("DLQ_shop", { last_by_subj: "dlq.shop.follow" }).catch(() => null);
      await expect.poll(letter).not.toBeNull();
      const stored = await letter();
      expect(stored?.header.get("Dead-Letter-Stream")).toBe("SHOP");
      expect(stored?.header.get("Dead-Letter-Sequence")).toBe("1");
      expect(stored?.header.get("Dead-Letter-Subject")).toBe("shop.k1.changed");
      expect([...(stored?.header.keys() ?? [])].filter((name) => /Source|Copied/.test(name))).toEqual([]);
    },
  );

  it.each([IN_ORDER, BY_HEADER])(
    "%s: what waits is counted, no partition is taken for left behind, and with the handler goes its stream",
    async (order) => {
      const app = await start("a", handler(order).replace("const failed", "await new Promise(() => {}); const failed"));
      await publish(0, 40);
      const cli = (...args: string[]) =>
        runCli([...args, "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
      const status = async () => JSON.parse((await cli("status", "--json")).stdout);
      await expect.poll(status).toMatchObject({ handlers: [{ name: "follow", pending: 40 }] });
      expect(await cli("prune")).toMatchObject({ code: 0 });
      await app.after(() => app.project.remove("follow.js"), "handler.removed");
      expect(await cli("prune", "--yes")).toMatchObject({ code: 0 });
      expect(await orderedStreams()).toEqual([]);
    },
  );

  it("headers that the client of Node would not write go with the message that is put in order by us", async () => {
    await stage.start({
      handlers: {
        "follow.js": `
          export const metadata = { subject: "shop.*.changed", kind: "durable", ${BY_HEADER} };
          export default (_event, ctx) => ctx.publish("ran", [...ctx.headers]);`,
      },
    });
    const ran = await stage.client.collect<[string, string[]][]>("ran");
    const block = Buffer.from("NATS/1.0\r\nkey: a\r\nname with spaces: b\r\nnäme: one\ntwo\r\n\r\n");
    await publishRaw(stage.server.port, { subject: "shop.a.changed", block });
    const [headers = []] = await ran.until(1);
    expect(headers.filter(([name]) => !/^(Handlers|Nats)-/.test(name))).toEqual([
      ["key", ["a"]],
      ["name with spaces", ["b"]],
      ["näme", ["one\ntwo"]],
    ]);
  });

  it("a stream that keeps messages only for its consumers is put in order by us, and what is put there is gone from it", async () => {
    await jsm.streams.delete("SHOP");
    await jsm.streams.add({ name: "SHOP", subjects: ["shop.>"], retention: RetentionPolicy.Workqueue });
    const ran = await stage.client.collect<Ran>("ran");
    await start("a", handler(BY_FIELD));
    await publish(0, 200);
    await ran.when(allOnce(200));
    expect(overtaken(ran.values)).toEqual([]);
    expect((await jsm.streams.info("SHOP")).state.messages).toBe(0);
  });

  it("one that is too large to be put in order is a dead letter, and those behind it run", async () => {
    const { max_payload } = stage.client.connection.info!;
    await start("a", handler(BY_HEADER));
    const ran = await stage.client.collect<Ran>("ran");
    const [subject, content, { headers }] = messageOf(0);
    // As much as the server takes; what is put in order has a header more.
    const room = max_payload - content.length - "NATS/1.0\r\nKey: k0\r\n\r\n".length;
    const js = jetstream(stage.client.connection);
    await js.publish(subject, content.padEnd(content.length + room), { headers });
    await js.publish(...messageOf(1));
    await ran.when(allOnce(1));
    expect(numbers(ran.values)).toEqual([1]);
    const letters = () => new DeadLetterBox(stage.client.connection, "shop").list();
    await expect.poll(letters).toMatchObject([{ handler: "follow", reason: "not-serializable" }]);
    const [letter] = await letters();
    expect(letter!.message).toMatch(/message 1 of stream "SHOP" cannot be put into the order of handler "follow"/);
    expect(letter!.message).not.toMatch(/wait/);
  });

  it("a stream that keeps messages only for its consumers is not copied by the server, and why", async () => {
    await jsm.streams.delete("SHOP");
    await jsm.streams.add({ name: "SHOP", subjects: ["shop.>"], retention: RetentionPolicy.Workqueue });
    const app = await start("a");
    expect((await failed(app)).message).toMatch(/order over all replicas.*stream "SHOP" has retention "workqueue"/);
  });
});

it("an older server is refused, with the version that it takes", async ({ skip }) => {
  if (isSince(stage.client.connection.info?.version, [2, 10])) skip("from 2.10 on");
  const app = await start("a");
  expect((await failed(app)).message).toMatch(/order over all replicas.*nats-server 2\.9.*takes 2\.10/);
});

async function failed(app: TestRuntime) {
  return (await app.next("handler.failed", { handler: "follow" }, 0)).error;
}
