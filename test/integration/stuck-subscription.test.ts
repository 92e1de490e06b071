// A right to subscribe that is taken away while the runtime serves, and given back.

import { expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { freePort } from "../support/free-port.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { scrape } from "../support/scrape.ts";

/** Longer than it may take until a hold is seen, or its end. */
const SEEN = { timeout: 10_000, interval: 50 };

const serverConfig = (denied: readonly string[]) => `
  accounts { A { jetstream: enabled, users: [{ user: app, password: secret, permissions: {
    publish: ">", subscribe: { allow: [">"], deny: ${JSON.stringify(denied)} } } }] } }
  no_auth_user: app
`;

const EVENT = 'export const metadata = { subject: "ev.x" }; export default (e, ctx) => ctx.publish("seen", e);';
const REQUEST = 'export const metadata = { subject: "rq.x", kind: "request" }; export default (n) => n;';
const DURABLE =
  'export const metadata = { subject: "st.x", kind: "durable" }; export default (e, ctx) => ctx.publish("stored", e);';

const stage = useStage(serverConfig([]));

async function serve(handlers: Record<string, string>): Promise<{ app: TestRuntime; url: string }> {
  const port = await freePort();
  const app = await stage.start({ handlers, config: { http: { port } } });
  return { app, url: `http://127.0.0.1:${port}` };
}

async function readiness(url: string): Promise<{ status: number; stuck: unknown[] }> {
  const response = await fetch(`${url}/readyz`);
  const { stuck } = (await response.json()) as { stuck: unknown[] };
  return { status: response.status, stuck };
}

it("core handlers say that their subscription was taken away, and hear again when it is allowed", async () => {
  const { app, url } = await serve({ "hear.ts": EVENT, "answer.ts": REQUEST });
  const seen = await stage.client.collect<number>("seen");
  const from = app.mark();
  await stage.server.reload(serverConfig(["ev.x", "rq.x"]));
  await expect
    .poll(() => readiness(url), SEEN)
    .toEqual({
      status: 503,
      stuck: [
        { handler: "answer", reason: "subscription-refused" },
        { handler: "hear", reason: "subscription-refused" },
      ],
    });
  const [hold] = app.status("hear").holds;
  expect(hold?.text).toMatch(/^the subscription to "ev\.x" failed: .*Permissions Violation/);
  expect(hold?.remedy).toContain('in queue group "shop.hear"');
  expect((await scrape(url)).get('handlers_stuck{handler="hear",reason="subscription-refused"}')).toBe(1);

  await stage.server.reload(serverConfig([]));
  await expect.poll(() => readiness(url), SEEN).toEqual({ status: 200, stuck: [] });
  stage.client.publish("ev.x", 1);
  expect(await seen.until(1)).toEqual([1]);
  expect((await stage.client.ask("rq.x", 2)).value).toBe(2);
  // Once at its beginning and once at its end, however often it was tried.
  expect(
    app
      .told("handler.held", from)
      .map(({ handler }) => handler)
      .toSorted(),
  ).toEqual(["answer", "hear"]);
  expect(app.told("handler.released", from)).toHaveLength(2);
});

it("a durable handler whose inbox was taken away says so, and goes on when it is allowed again", async () => {
  const { app, url } = await serve({ "store.ts": DURABLE });
  const stored = await stage.client.collect<number>("stored");
  stage.client.publish("st.x", 1);
  expect(await stored.until(1)).toEqual([1]);
  await stage.server.reload(serverConfig(["_INBOX.>"]));
  await expect
    .poll(() => readiness(url), SEEN)
    .toEqual({ status: 503, stuck: [{ handler: "store", reason: "subscription-refused" }] });
  expect(app.status("store").holds[0]?.remedy).toContain("_INBOX");
  stage.client.publish("st.x", 2);

  await stage.server.reload(serverConfig([]));
  await expect.poll(() => readiness(url), SEEN).toEqual({ status: 200, stuck: [] });
  expect(await stored.until(2)).toEqual([1, 2]);
});

it("commands and redrives are heard again when the right to them is back", async () => {
  const { app } = await serve({ "store.ts": DURABLE });
  const status = () =>
    runCli(["status", "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
  expect((await status()).code).toBe(0);
  const isRefused = ({ message }: { message: string }) => message.includes("commands are not heard");
  await app.after(() => stage.server.reload(serverConfig(["_HANDLERS.>", "redrive.>"])), "runtime.notice", isRefused);
  await app.after(
    () => stage.server.reload(serverConfig([])),
    "runtime.notice",
    ({ message }) => message.includes('heard on "_HANDLERS.shop.status" again'),
  );
  expect((await status()).code).toBe(0);
});
