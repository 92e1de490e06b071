// A runtime that cannot learn what is disabled does not serve.

import { expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { useStage } from "../support/runtime.ts";

/** One server of a cluster whose others are not there: JetStream has no leader, and answers nothing. */
const LEADERLESS = `
server_name: alone
cluster { name: shop, listen: "127.0.0.1:-1", routes: ["nats://127.0.0.1:1", "nats://127.0.0.1:2"] }
`;

const stage = useStage(LEADERLESS);

it("start gives up within its bound when the bucket does not answer, and leaves nothing running", async () => {
  const startedAtMs = systemClock.monotonicMs();
  const handlers = { "price.js": 'export const metadata = { subject: "shop.price" }; export default () => {};' };
  await expect(stage.start({ handlers, mode: "start" })).rejects.toMatchObject({
    code: "NATS_UNREACHABLE",
    message: expect.stringContaining(
      'the bucket "shop_handlers" that says which handlers are disabled does not answer',
    ),
    remedy: expect.stringContaining("Nothing is served rather than what was turned off"),
  });
  const tookMs = systemClock.monotonicMs() - startedAtMs;
  console.log(`gave up after ${Math.round(tookMs)} ms`);
  expect(tookMs).toBeLessThan(15_000);
});
