// A file may be saved while NATS is away: the newest good version serves when it is back, with no other save.
// @module-tag any-server

import { afterEach, beforeEach, expect, it } from "vitest";
import { connectClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

const handler = (kind: string, subject: string, version: number) =>
  `export const metadata = { subject: "${subject}", kind: "${kind}" };
export default (_, ctx) => ctx.publish("seen", ctx.subject + " by ${version}");
`;

it("a save that changes kind or subject while NATS is gone serves by itself when NATS is back", async () => {
  const app = await stage.start({
    config: { nats: { servers: server.url } },
    handlers: {
      "moved.js": handler("durable", "work.old", 1),
      "hardened.js": handler("event", "hardened", 1),
      "turned.js": handler("event", "turn.old", 1),
    },
  });
  const saved = {
    moved: handler("durable", "work.new", 2),
    hardened: handler("durable", "hardened", 2),
    turned: handler("event", "turn.new", 2),
    added: handler("durable", "added", 2),
  };
  await app.after(() => server.kill(), "nats.disconnected");
  const from = app.mark();
  for (const [name, text] of Object.entries(saved)) app.project.write(`${name}.js`, text);
  for (const name of ["moved", "hardened", "added"]) {
    const { error, serving } = await app.next("handler.failed", { handler: name }, from);
    expect(error.code).toBe("NATS_UNREACHABLE");
    expect(serving === undefined).toBe(name === "added");
  }

  await server.restart();
  for (const name of Object.keys(saved)) await app.next("handler.serving", { handler: name }, from);
  const client = await connectClient(server.url);
  const seen = await client.collect<string>("seen");
  for (const subject of ["work.new", "hardened", "turn.new", "added"]) client.publish(subject);
  expect([...(await seen.until(4))].sort()).toEqual(["added by 2", "hardened by 2", "turn.new by 2", "work.new by 2"]);
  // Told once, not with every try.
  expect(app.told("handler.failed", from)).toHaveLength(3);
  expect(app.status("moved").lastFailure).toBeUndefined();
  await client.connection.close();
  await app.close();
});
