// A runtime that cannot learn what is disabled does not serve.

import { expect, it } from "vitest";
import { delay, systemClock } from "../../runtime/clock.ts";
import { openIntentStore } from "../../runtime/control/intent-store.ts";
import { connectClient } from "../support/client.ts";
import { tenfold } from "../support/hurried-clock.ts";
import { startTestServer } from "../support/nats-server.ts";
import { freeze } from "../support/processes.ts";
import { useStage } from "../support/runtime.ts";

/** One server of a cluster whose others are not there: JetStream has no leader, and answers nothing. */
const LEADERLESS = `
server_name: alone
cluster { name: shop, listen: "127.0.0.1:-1", routes: ["nats://127.0.0.1:1", "nats://127.0.0.1:2"] }
`;

const stage = useStage(LEADERLESS);

it("start gives up within its bound when the bucket does not answer, and leaves nothing running", async () => {
  const handlers = { "price.js": 'export const metadata = { subject: "shop.price" }; export default () => {};' };
  await expect(stage.start({ handlers, mode: "start", clock: tenfold })).rejects.toMatchObject({
    code: "NATS_UNREACHABLE",
    message: expect.stringContaining(
      'the bucket "shop_handlers" that says which handlers are disabled does not answer',
    ),
    remedy: expect.stringContaining("Nothing is served rather than what was turned off"),
  });
});

it("a bucket that is not answered for a while is asked for again: a cluster chooses its leader when its servers meet", async () => {
  const server = await startTestServer();
  const { connection } = await connectClient(server.url);
  await freeze(server.pid);
  const opened = openIntentStore(connection, "shop", systemClock);
  await delay(systemClock, 6_000); // More than one request is given.
  process.kill(server.pid, "SIGCONT");
  const store = await opened;
  expect(await store.read()).toEqual([]);
  await connection.close();
  await server.stop();
});
