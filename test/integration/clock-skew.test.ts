// Replicas whose clocks are wrong by hours: `expires` and the end of an intent go by the server's.

import { expect, it } from "vitest";
import { run } from "../../runtime/cli/run.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { useStage } from "../support/runtime.ts";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";

const stage = useStage();
const HOUR_MS = 3_600_000;
const wrongBy = (ms: number): Clock => ({ ...systemClock, nowMs: () => Date.now() + ms });

it("a replica that is two hours ahead runs what was just published, and says that the clocks disagree", async () => {
  const handlers = {
    "save.js": `export const metadata = { subject: "ahead.save", kind: "durable", expires: "1h" };
export default (event, ctx) => ctx.publish("ran.save", event);\n`,
  };
  const config = { streams: [{ name: "AHEAD", subjects: ["ahead.>"] }] };
  const app = await stage.start({ handlers, config, clock: wrongBy(2 * HOUR_MS) });
  const ran = await stage.client.collect("ran.save");
  stage.client.publish("ahead.save", { n: 1 });
  await ran.until(1);
  const notices = app.told("runtime.notice").map(({ message }) => message);
  expect(notices).toContainEqual(
    expect.stringMatching(/clock of this machine is 7[12]\d\d s ahead of that of the NATS server/),
  );
  expect(notices.join()).not.toContain("became a dead letter");
});

it("a replica that is two hours behind ends a disable when its time is over", async () => {
  const handlers = { "price.js": `export const metadata = { subject: "shop.price" };\nexport default () => {};\n` };
  const app = await stage.start({ handlers, clock: wrongBy(-2 * HOUR_MS) });
  const before = app.mark();
  const terminal = fakeTerminal({ cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
  expect(await run(["disable", "price", "--for", "1s"], terminal)).toBe(0);
  await app.next("handler.serving", { handler: "price" }, before);
});
