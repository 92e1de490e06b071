// Handlers of what changes in NATS's own stores: keys and values, and objects.

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm, type KvOptions } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { freePort } from "../support/free-port.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type StartOptions, useStage } from "../support/runtime.ts";

const stage = useStage();

interface Changed {
  readonly by: string;
  readonly value?: unknown;
  readonly key: string;
  readonly operation: string;
  readonly revision: number;
  readonly wildcards: readonly string[];
  readonly attempt: number;
}

/** Tells of each change, unless `before` throws. */
const telling = (by: string, metadata: string, before = "") => `
  import { z } from "zod";
  export const metadata = { kind: "durable", retry: { attempts: 2, backoff: "10ms" }, ${metadata} };
  export default async (value, ctx) => {
    const { key, operation, revision, wildcards, attempt } = ctx;
    ${before}
    await ctx.publish("changed", { by: "${by}", value, key, operation, revision, wildcards, attempt });
  };`;

const OF_PROFILES = 'kv: "users", subject: "profile.*", schema: z.object({ name: z.string() })';

beforeEach(async () => {
  await removeStreams(await jetstreamManager(stage.client.connection));
});

function bucket(name: string, options: Partial<KvOptions> = {}): Promise<KV> {
  return new Kvm(jetstream(stage.client.connection)).create(name, options);
}

const changes = () => stage.client.collect<Changed>("changed");
const start = (handlers: StartOptions["handlers"], more: Omit<StartOptions, "handlers"> = {}) =>
  stage.start({ handlers: handlers ?? {}, ...more });
const box = () => new DeadLetterBox(stage.client.connection, "shop");
const isFrom = (least: [number, number]) => {
  const [major = 0, minor = 0] = (stage.client.connection.info?.version ?? "").split(".").map(Number);
  return major > least[0] || (major === least[0] && minor >= least[1]);
};

describe("a handler of keys", () => {
  it("is called for each change of the keys that it takes, with what became of them", async () => {
    const users = await bucket("users");
    await start({
      "profile.ts": telling("profile", OF_PROFILES),
      "all.ts": telling("all", 'kv: "users", subject: ">"'),
    });
    const told = await changes();
    const first = await users.put("profile.7", '{"name":"Ann"}');
    await told.until(2);
    const deleted = first + 1;
    await users.delete("profile.7");
    await told.until(4);
    const other = await users.put("settings", "1");
    await users.purge("profile.8");
    await told.until(7);
    const of = (by: string) => told.values.filter((one) => one.by === by).toSorted((a, b) => a.revision - b.revision);
    const seven = { key: "profile.7", wildcards: ["7"], attempt: 1 };
    expect(of("profile")).toEqual([
      { by: "profile", value: { name: "Ann" }, operation: "put", revision: first, ...seven },
      { by: "profile", operation: "delete", revision: deleted, ...seven },
      { by: "profile", operation: "purge", revision: other + 1, key: "profile.8", wildcards: ["8"], attempt: 1 },
    ]);
    expect(of("all").map(({ key, operation }) => `${operation} ${key}`)).toEqual([
      "put profile.7",
      "delete profile.7",
      "put settings",
      "purge profile.8",
    ]);
  });

  it("is given a change again that it failed, and what it cannot take is a dead letter, for it alone", async () => {
    const users = await bucket("users", { history: 5 });
    const failsOnce = 'if (attempt === 1 && operation === "put") throw new Error("not yet");';
    await start({
      "profile.ts": telling("profile", OF_PROFILES, failsOnce),
      "all.ts": telling("all", 'kv: "users", subject: ">"'),
    });
    const told = await changes();
    await users.put("profile.1", '{"name":"Ann"}');
    const refused = await users.put("profile.2", '{"name":2}');
    await told.until(3);
    await expect.poll(() => box().list()).toHaveLength(1);
    const [letter] = await box().list();
    expect(letter).toMatchObject({ handler: "profile", subject: "$KV.users.profile.2", reason: "invalid" });
    expect(told.values.filter(({ by }) => by === "profile")).toMatchObject([{ key: "profile.1", attempt: 2 }]);
    expect(letter).toMatchObject({ stream: "KV_users", sequence: refused });
  });

  it("that failed a removal has it again as a removal when its dead letter is redriven", async () => {
    const users = await bucket("users");
    const app = await start({ "profile.ts": telling("profile", OF_PROFILES, 'throw new Error("down");') });
    await users.put("profile.1", '{"name":"Ann"}');
    await expect.poll(() => box().list()).toHaveLength(1);
    await users.purge("profile.1");
    await expect.poll(() => box().list()).toHaveLength(2);
    const told = await changes();
    await app.after(() => app.project.write("profile.ts", telling("profile", OF_PROFILES)), "handler.serving", {
      handler: "profile",
    });
    await redriveAll();
    await told.until(2);
    expect(told.values.toSorted((a, b) => a.revision - b.revision)).toMatchObject([
      { key: "profile.1", operation: "put", value: { name: "Ann" }, revision: 1 },
      { key: "profile.1", operation: "purge", revision: 2 },
    ]);
    await expect.poll(() => box().list()).toEqual([]);
  });

  it("has of what changed while it was away what the bucket still has", async () => {
    const [last, all] = [await bucket("last"), await bucket("all", { history: 10 })];
    const handlers = {
      "last.ts": telling("last", 'kv: "last", subject: ">"'),
      "all.ts": telling("all", 'kv: "all", subject: ">"'),
      "new.ts": telling("new", 'kv: "all", subject: ">", from: "new"'),
    };
    for (const n of [1, 2, 3]) for (const kept of [last, all]) await kept.put("n", `${n}`);
    const told = await changes();
    const app = await start(handlers);
    await told.until(4);
    await app.close();
    for (const n of [4, 5]) for (const kept of [last, all]) await kept.put("n", `${n}`);
    await start({}, { project: app.project });
    await told.until(9);
    const of = (by: string) => told.values.filter((one) => one.by === by).map(({ value }) => value);
    expect([of("last"), of("all").toSorted(), of("new").toSorted()]).toEqual([
      [3, 5],
      [1, 2, 3, 4, 5],
      [4, 5],
    ]);
  });

  it("keeps the order of each key where it asks for it", async () => {
    const counts = await bucket("counts", { history: 64 });
    const ordered = 'kv: "counts", subject: "*", orderBy: (_, { subject }) => subject';
    await start({ "counted.ts": telling("counted", ordered, "await new Promise(setImmediate);") });
    const told = await changes();
    for (let n = 0; n < 20; n++) for (const key of ["a", "b", "c"]) await counts.put(key, `${n}`);
    await told.until(60);
    for (const key of ["a", "b", "c"]) {
      const values = told.values.filter((one) => one.key === key).map(({ value }) => value);
      expect(values).toEqual(Array.from({ length: 20 }, (_, n) => n));
    }
  });

  it("is told as failed while its bucket is missing, and serves when somebody has made it", async () => {
    const port = await freePort();
    const app = await start(
      { "profile.ts": telling("profile", OF_PROFILES) },
      { mode: "start", config: { http: { port, host: "127.0.0.1" } } },
    );
    expect(app.status("profile")).toMatchObject({ state: "failed", lastFailure: { code: "STREAM_MISSING" } });
    expect(app.told("handler.failed")[0]?.error.message).toBe(
      'handler "profile" takes the changes of KV bucket "users", which does not exist',
    );
    const told = await changes();
    const users = await bucket("users");
    await users.put("profile.1", '{"name":"Ann"}');
    expect(await told.until(1)).toMatchObject([{ key: "profile.1", value: { name: "Ann" } }]);
  });

  it("has its bucket made in `dev`, for clients as they make it themselves", async () => {
    const app = await start({
      "profile.ts": telling("profile", OF_PROFILES),
      "photos.ts": telling("photos", 'objects: "photos"'),
    });
    const made = app
      .told("runtime.notice")
      .flatMap(({ message }) => (message.startsWith("there was no") ? [message] : []));
    expect(made.toSorted()).toEqual([
      'there was no KV bucket "users", so it was made for handler "profile", with what clients of NATS choose by themselves',
      'there was no object bucket "photos", so it was made for handler "photos", with what clients of NATS choose by themselves',
    ]);
    const told = await changes();
    await (await bucket("users")).put("profile.1", '{"name":"Ann"}');
    const photos = await new Objm(jetstream(stage.client.connection)).create("photos");
    await photos.putBlob({ name: "a.png" }, Buffer.from("123"));
    await told.until(2);
    expect(told.values.map(({ key }) => key).toSorted()).toEqual(["a.png", "profile.1"]);
  });

  it("is told of a key whose time is up, also from a dead letter, where the server says so", async ({ skip }) => {
    if (!isFrom([2, 11])) skip("the server keeps no markers");
    const users = await bucket("users", { markerTTL: 60_000 });
    const app = await start({
      "profile.ts": telling("profile", OF_PROFILES, 'if (operation !== "put") throw new Error("down");'),
    });
    const told = await changes();
    const put = await users.create("profile.1", '{"name":"Ann"}', "1s");
    await told.until(1);
    await expect.poll(() => box().list(), { timeout: 20_000 }).toHaveLength(1);
    await app.after(() => app.project.write("profile.ts", telling("profile", OF_PROFILES)), "handler.serving", {
      handler: "profile",
    });
    await redriveAll();
    await told.until(2);
    expect(told.values[1]).toMatchObject({ key: "profile.1", operation: "purge", revision: put + 1 });
  });
});

it("a handler of objects is called for what is put and deleted, by name, and not for contents", async () => {
  const photos = await new Objm(jetstream(stage.client.connection)).create("photos");
  await start({ "photos.ts": telling("photos", 'objects: "photos", when: (_, { key }) => key.endsWith(".png")') });
  const told = await changes();
  const content = Buffer.alloc(300_000, "x");
  const put = await photos.putBlob({ name: "große Katze.png", description: "a cat" }, content);
  await photos.putBlob({ name: "note.txt" }, content);
  await told.until(1);
  await photos.delete("große Katze.png");
  await told.until(2);
  const { nuid, size, chunks, digest } = put;
  expect(told.values).toMatchObject([
    {
      operation: "put",
      key: "große Katze.png",
      value: { name: "große Katze.png", bucket: "photos", description: "a cat", nuid, size, chunks, digest },
    },
    { operation: "delete", key: "große Katze.png" },
  ]);
  expect(told.values[1]).not.toHaveProperty("value");
  expect(size).toBe(300_000);
});

async function redriveAll(): Promise<void> {
  const ids = (await box().list()).map(({ id }) => id);
  const { connection } = stage.client;
  await redrive(ids, { connection, app: "shop", box: box(), clock: systemClock, copies: 1, rate: undefined });
}
