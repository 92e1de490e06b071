// The test kit's `runHandler` for handlers of changes.

import type { ChangeContext } from "nats-handlers";
import { runHandler } from "nats-handlers/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const seen: unknown[] = [];
const profile = z.object({ name: z.string() });

const users = {
  metadata: { kind: "durable", kv: "users", subject: "profile.*", schema: profile } as const,
  default(value: z.infer<typeof profile> | undefined, ctx: ChangeContext) {
    seen.splice(0, seen.length, [value, ctx.key, ctx.operation, ctx.revision, ctx.wildcards, ctx.subject]);
  },
};
const photos = {
  metadata: { kind: "durable", objects: "photos" } as const,
  default: (about: unknown, { key, operation }: ChangeContext) =>
    void seen.splice(0, seen.length, [about, key, operation]),
};

describe("a change of a key", () => {
  it("comes with its value, key, operation and revision", async () => {
    const run = await runHandler(users, { name: "Ann" }, { key: "profile.7", sequence: 9 });
    expect(run.settlement).toEqual({ do: "ack" });
    expect(seen).toEqual([[{ name: "Ann" }, "profile.7", "put", 9, ["7"], "$KV.users.profile.7"]]);
  });

  it("comes without a value when the key is gone", async () => {
    for (const operation of ["delete", "purge"] as const) {
      const run = await runHandler(users, undefined, { key: "profile.7", operation });
      expect([run.outcome, seen]).toEqual([
        "returned",
        [[undefined, "profile.7", operation, 1, ["7"], "$KV.users.profile.7"]],
      ]);
    }
  });

  it("is refused by the schema like any message", async () => {
    const run = await runHandler(users, { name: 7 as never }, { key: "profile.7" });
    expect(run).toMatchObject({ outcome: "invalid", settlement: { do: "dead-letter" } });
  });

  it("needs a key that the handler takes, and no value where it is gone", async () => {
    await expect(runHandler(users, { name: "Ann" })).rejects.toThrow("say in the option `key` which it is");
    await expect(runHandler(users, { name: "Ann" }, { key: "other" })).rejects.toThrow("does not reach the handler");
    await expect(runHandler(users, { name: "Ann" }, { subject: "a" })).rejects.toThrow("say in the option `key`");
    await expect(runHandler(users, { name: "A" }, { key: "profile.7", operation: "delete" })).rejects.toThrow(
      "the payload of a delete must be undefined",
    );
    const messages = { metadata: { subject: "a" } as const, default: () => undefined };
    await expect(runHandler(messages, 1, { key: "a" })).rejects.toThrow("key is for handlers of changes");
  });
});

it("a change of an object comes with what the store says of it, and without when it is gone", async () => {
  await runHandler(photos, { size: 3 }, { key: "a b.png" });
  expect(seen).toEqual([[{ name: "a b.png", bucket: "photos", nuid: "test", size: 3, chunks: 0 }, "a b.png", "put"]]);
  await runHandler(photos, undefined, { key: "a b.png", operation: "delete" });
  expect(seen).toEqual([[undefined, "a b.png", "delete"]]);
});
