// `ctx.kv` and `ctx.objects`: handlers keep things in buckets of JetStream by way of the runtime.

import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

/** Each step is answered with what it gave, or with the code and the text it was refused with. */
const STEPS = `
  export const metadata = { subject: "steps", kind: "request", uses: { kv: ["users", "tiny"], objects: ["files"] } };
  const long = (value) => value?.times === undefined ? value : "x".repeat(value.times);
  const plain = (value) => value instanceof Uint8Array ? value.length : value;
  export default async (steps, ctx) => {
    const given = [];
    for (const [store, bucket, method, ...args] of steps) {
      try {
        const value = await ctx[store](bucket)[method](...args.map(long));
        given.push(value?.text === undefined ? plain(value) ?? null : { ...value, bytes: value.bytes.length, text: value.text() });
      } catch (error) {
        given.push({ code: error.code, message: error.message });
      }
    }
    return given;
  };`;

async function ask(...steps: readonly (readonly unknown[])[]): Promise<unknown[]> {
  const { value, error } = await stage.client.ask("steps", steps);
  if (error !== "") throw new Error(error);
  return value as unknown[];
}

it("a value is put, got, changed at its revision only, deleted and found by its key", async () => {
  await stage.start({ handlers: { "steps.ts": STEPS } });
  const given = await ask(
    ["kv", "users", "get", "ann"],
    ["kv", "users", "create", "ann", { age: 4 }],
    ["kv", "users", "create", "ann", { age: 5 }],
    ["kv", "users", "get", "ann"],
    ["kv", "users", "update", "ann", "plain text", 1],
    ["kv", "users", "update", "ann", "another", 1],
    ["kv", "users", "put", "x.bob", 7],
    ["kv", "users", "keys"],
    ["kv", "users", "keys", "x.*"],
    ["kv", "users", "delete", "ann", { revision: 1 }],
    ["kv", "users", "delete", "ann", { revision: 2 }],
    ["kv", "users", "get", "ann"],
    ["kv", "users", "create", "ann", 1],
    ["kv", "users", "purge", "ann"],
    ["kv", "users", "keys"],
  );
  const written = expect.any(String);
  expect(given).toEqual([
    null,
    1,
    { code: 409, message: 'kv create "ann" in bucket "users": there is one already' },
    { key: "ann", revision: 1, writtenAt: written, bytes: 9, text: '{"age":4}' },
    2,
    {
      code: 409,
      message:
        'kv update "ann" in bucket "users": it is not at revision 1 any more: another has written since. Get it again',
    },
    3,
    ["ann", "x.bob"],
    ["x.bob"],
    { code: 409, message: expect.stringContaining("it is not at revision 1 any more") },
    null,
    null,
    5,
    null,
    ["x.bob"],
  ]);
  const bucket = await new Kvm(stage.client.connection).open("users");
  expect((await bucket.get("x.bob"))?.json()).toBe(7);
});

it("an object larger than a message is put and got as a whole, listed and deleted", async () => {
  const app = await stage.start({
    handlers: {
      "steps.ts": STEPS,
      "large.ts": `
        export const metadata = { subject: "large", kind: "request", uses: { objects: ["files"] } };
        export default async (bytes, ctx) => {
          const files = ctx.objects("files");
          const content = new Uint8Array(bytes).map((_, at) => at % 251);
          const { size } = await files.put("reports/large one", content);
          const { bytes: read } = await files.get("reports/large one");
          return [size, read.length, read.every((byte, at) => byte === at % 251)];
        };`,
    },
  });
  expect((await stage.client.ask("large", 3_000_000)).value).toEqual([3_000_000, 3_000_000, true]);
  expect(app.told("runtime.notice").map(({ message }) => message)).toContain(
    'made the object bucket "files", which handlers use and which was not there',
  );
  const store = await new Objm(stage.client.connection).open("files");
  expect((await store.info("reports/large one"))?.size).toBe(3_000_000);
  const given = await ask(
    ["objects", "files", "put", "small", "text"],
    ["objects", "files", "get", "small"],
    ["objects", "files", "info", "missing"],
    ["objects", "files", "list"],
    ["objects", "files", "delete", "small"],
    ["objects", "files", "delete", "small"],
    ["objects", "files", "get", "small"],
  );
  const facts = { digest: expect.stringContaining("SHA-256="), writtenAt: expect.any(String) };
  expect(given).toEqual([
    { name: "small", size: 4, ...facts },
    { name: "small", size: 4, ...facts, bytes: 4, text: "text" },
    null,
    expect.arrayContaining([
      { name: "small", size: 4, ...facts },
      { name: "reports/large one", size: 3_000_000, ...facts },
    ]),
    true,
    false,
    null,
  ]);
});

it("what cannot be is refused with what to do", async () => {
  await stage.start({ handlers: { "steps.ts": STEPS }, mode: "start" });
  await new Kvm(stage.client.connection).create("tiny", { maxValueSize: 10 });
  const given = await ask(
    ["kv", "other", "get", "a"],
    ["kv", "users", "get", "a b"],
    ["kv", "users", "get", ""],
    ["kv", "users", "put", "a", { times: 1_100_000 }],
    ["kv", "tiny", "put", "a", { times: 200 }],
    ["objects", "files", "put", "a", { times: 65 * 1024 ** 2 }],
    ["kv", "users", "update", "a", 1, 0],
  );
  expect(given).toEqual([
    {
      code: "BUCKET_NOT_DECLARED",
      message:
        'ctx.kv("other"): the metadata does not say that this handler uses the bucket. Write uses: { kv: ["users","tiny","other"] }',
    },
    { code: 400, message: 'kv get "a b" in bucket "users": invalid key: a b' },
    { message: 'the name of what is kept in a bucket must be a text, but is ""' },
    { code: 413, message: expect.stringContaining("more than the server takes (max_payload 1048576)") },
    { code: 413, message: expect.stringContaining("more than the bucket takes (max_msg_size of its stream)") },
    { code: 413, message: expect.stringContaining("at most 67108864 go by way of the runtime") },
    { message: "a revision is a whole number from 1, such as `get` gives; received 0" },
  ]);
});

it("a bucket that is not there is made where streams are made too, and else said", async () => {
  for (const bucket of ["KV_users", "OBJ_files"]) {
    const manager = await jetstreamManager(stage.client.connection);
    await manager.streams.delete(bucket).catch(() => false);
  }
  await stage.start({ handlers: { "steps.ts": STEPS }, mode: "start" });
  const given = await ask(
    ["kv", "users", "get", "a"],
    ["kv", "users", "put", "a", 1],
    ["kv", "users", "keys"],
    ["objects", "files", "get", "a"],
    ["objects", "files", "put", "a", 1],
    ["objects", "files", "list"],
  );
  for (const refusal of given)
    expect(refusal).toEqual({
      code: 404,
      message: expect.stringMatching(/there is no such bucket \(stream (KV_users|OBJ_files)\)/),
    });
});
