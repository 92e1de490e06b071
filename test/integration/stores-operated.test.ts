// What operators do to a handler of changes: as to any durable, though its stream is a bucket's.

import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { runCli } from "../support/cli-process.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const HANDLER = `export const metadata = { kind: "durable", kv: "users", subject: ">" };
export default async (value, { key, operation, revision, replayed, publish }) => {
  await publish("changed", { value, key, operation, revision, replayed });
};`;

it("its changes are replayed to it as they were, and what waits for it when it is gone is found", async () => {
  const users = await new Kvm(jetstream(stage.client.connection)).create("users", { history: 5 });
  const app = await stage.start({ handlers: { "u.js": HANDLER } });
  const told = await stage.client.collect<{ replayed: boolean }>("changed");
  const cli = (...args: string[]) => runCli(args, { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
  await users.put("a", "1");
  await told.until(1);
  await users.delete("a");
  await told.until(2);
  const { code, stdout, stderr } = await cli("replay", "u", "--from", "1h");
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: "2 messages sent to u again\n" });
  await told.until(4);
  const [put, removed] = [
    { value: 1, key: "a", operation: "put", revision: 1 },
    { key: "a", operation: "delete", revision: 2 },
  ];
  const again = told.values.filter(({ replayed }) => replayed);
  expect(told.values.filter(({ replayed }) => !replayed)).toMatchObject([put, removed]);
  expect(again).toEqual(expect.arrayContaining([put, removed].map((one) => ({ ...one, replayed: true }))));

  await app.after(() => app.project.remove("u.js"), "handler.removed", { handler: "u" });
  await users.put("b", "1");
  const { durables } = JSON.parse((await cli("prune", "--json")).stdout) as { durables: object[] };
  const durable = durableNameOf("shop", "u", "$KV.users.>");
  expect(durables).toContainEqual(expect.objectContaining({ stream: "KV_users", durable, waiting: 1 }));
});
