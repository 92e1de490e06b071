// A right to acknowledge that is taken away while messages are handled, and given back: none is run again.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { freePort } from "../support/free-port.ts";
import { useStage } from "../support/runtime.ts";

/** Longer than it may take until a hold is seen, or its end. */
const SEEN = { timeout: 10_000, interval: 50 };
const NUMBERS = Array.from({ length: 60 }, (_, number) => number);

const serverConfig = (denied: readonly string[]) => `
  accounts { A { jetstream: enabled, users: [
    { user: admin, password: secret },
    { user: app, password: secret, permissions: {
      publish: { allow: [">"], deny: ${JSON.stringify(denied)} }, subscribe: ">" } }] } }
  no_auth_user: app
`;

const SAVE = `
  export const metadata = { subject: "t.x", kind: "durable", concurrency: 4 };
  export default (n, ctx) => ctx.publish("saved", n);
`;

const stage = useStage(serverConfig([]));

it("is told with its remedy, no message is taken meanwhile, and what was handled is not run again", async () => {
  const port = await freePort();
  const app = await stage.start({ handlers: { "save.ts": SAVE }, config: { http: { port } } });
  const jsm = await jetstreamManager(stage.client.connection);
  const stream = await jsm.streams.find("t.x");
  const durable = durableNameOf("shop", "save", "t.x");
  const saved = await stage.client.collect<number>("saved");
  const stuck = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    const { stuck } = (await response.json()) as { stuck: { reason: string }[] };
    return [response.status, ...stuck.map(({ reason }) => reason)];
  };
  // What is not acknowledged comes again soon.
  await jsm.consumers.update(stream, durable, { ack_wait: 1e9 });

  await stage.server.reload(serverConfig(["$JS.ACK.>"]));
  for (const number of NUMBERS) stage.client.publish("t.x", number);
  await expect.poll(stuck, SEEN).toEqual([503, "acks-refused"]);
  expect(app.status("save").holds[0]?.text).toMatch(/may not publish to "\$JS\.ACK\./);
  expect(app.status("save").holds[0]?.remedy).toContain(`"$JS.ACK.${stream}.${durable}.>"`);
  // Of what was handed out so far all acknowledgements are missed.
  const unacknowledged = async () => (await jsm.consumers.info(stream, durable)).num_ack_pending;
  await expect.poll(unacknowledged, SEEN).toBeGreaterThan(0);

  await stage.server.reload(serverConfig([]));
  await expect.poll(stuck, SEEN).toEqual([200]);
  await saved.until(NUMBERS.length);
  const waiting = async () => {
    const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, durable);
    return num_pending + num_ack_pending;
  };
  await expect.poll(waiting, SEEN).toBe(0);
  expect((await saved.until(NUMBERS.length)).toSorted((a, b) => a - b)).toEqual(NUMBERS);
});
