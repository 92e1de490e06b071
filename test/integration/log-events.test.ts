// What the log is told: to which trace a line belongs, and no password, wherever it came from.

import { expect, it } from "vitest";
import { connectClient } from "../support/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const USERS =
  "authorization { users: [{ user: app, password: s3cret }, { user: guest, password: guest }] }, no_auth_user: guest";

it("a line of a handler carries the trace of the message it was written for", async () => {
  const handlers = {
    "a.ts": 'export const metadata = { subject: "a" };\nexport default (_, ctx) => ctx.log.info("seen");',
  };
  const app = await stage.start({ handlers });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const traced = () => stage.client.publish("a", 1, { traceparent: [`00-${traceId}-b7ad6b7169203331-01`] });
  expect(await app.after(traced, "handler.log")).toMatchObject({ message: "seen", traceId });
  const plain = await app.after(() => stage.client.publish("a", 1), "handler.log");
  expect(plain.traceId).toBeUndefined();
  const bent = () => stage.client.publish("a", 1, { traceparent: ["00-nonsense"] });
  expect((await app.after(bent, "handler.log")).traceId).toBeUndefined();
});

it("no event holds a password of a URL: not ours, and not one that a handler logs, prints or throws", async () => {
  const handlers = {
    "leaks.ts": `
      const url = "postgres://shop:hunter2@db/shop";
      export const metadata = { subject: "leaks", kind: "request" };
      export default (_, ctx) => {
        ctx.log.error({ url, nested: [{ url }] }, "cannot reach " + url);
        console.log(url);
        throw new Error("cannot reach " + url);
      };`,
    "dies.ts": `throw new Error("no postgres://shop:hunter2@db/shop");`,
  };
  const server = await startTestServer({ config: USERS });
  const guest = await connectClient(server.url);
  const servers = server.url.replace("nats://", "nats://app:s3cret@");
  const app = await stage.start({ handlers, config: { nats: { servers } } });
  await guest.ask("leaks");
  await app.next("handler.output", {}, 0);
  await guest.connection.close();
  await app.after(() => server.restart(), "nats.reconnected");
  await app.close();
  await server.stop();
  const texts = app.events.map((event) => {
    const { error } = event as { error?: Error };
    return JSON.stringify(event) + (error === undefined ? "" : `${error.message}\n${error.stack}`);
  });
  expect(app.told("handler.log")).toMatchObject([{ message: "cannot reach postgres://***@db/shop" }]);
  expect(app.told("handler.failed")).toHaveLength(1);
  expect(texts.filter((text) => /s3cret|hunter2/.test(text))).toEqual([]);
});
