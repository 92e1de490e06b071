// What an orchestrator sees of a runtime: alive, ready, draining, gone.
// @module-tag any-server

import { expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { startTestServer } from "../support/nats-server.ts";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const GATED = { "gated.ts": fixture("waits-at-a-gate.ts") };

async function startWithHttp(handlers: Readonly<Record<string, string>>, servers = stage.server.url) {
  const port = await freePort();
  const app = await stage.start({ handlers, config: { nats: { servers }, http: { port } } });
  const url = `http://127.0.0.1:${port}`;
  const ask = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { app, port, url, ask };
}

it("without a port nothing listens, and nothing is said of it", async () => {
  const app = await stage.start({ handlers: GATED });
  expect(app.told("runtime.notice").filter(({ message }) => message.includes("health"))).toEqual([]);
});

it("a runtime is ready once every handler is bound, and says which one is missing", async () => {
  const { app, ask } = await startWithHttp({ ...GATED, "broken.ts": "export const metadata = {" });
  expect(await ask("/healthz")).toMatchObject({ status: 200, body: { status: "alive", nats: "connected" } });
  expect(await ask("/readyz")).toMatchObject({
    status: 503,
    body: { status: "not ready", missing: [{ handler: "broken", state: "failed", error: "BUNDLE_FAILED" }] },
  });
  const mended = 'export const metadata = { subject: "mended" };\nexport default () => {};\n';
  await app.after(() => app.project.write("broken.ts", mended), "handler.serving", { handler: "broken" });
  expect(await ask("/readyz")).toMatchObject({ status: 200, body: { status: "ready", handlers: 2, missing: [] } });
  const failed = () => app.project.write("broken.ts", "export const metadata = {");
  await app.after(failed, "handler.failed", { handler: "broken" });
  // The version before still serves.
  expect(await ask("/readyz")).toMatchObject({ status: 200 });
});

it("while it drains it is alive and not ready, and nothing listens any more in the end", async () => {
  const { app, ask, url } = await startWithHttp(GATED);
  const arrived = Promise.withResolvers<{ respond(): void }>();
  const gate = stage.client.connection.subscribe("gate", {
    callback: (_error, message) => arrived.resolve({ respond: () => void message.respond('""') }),
  });
  await stage.client.flush();
  stage.client.publish("gated", 1);
  const { respond } = await arrived.promise;
  const closing = app.close(10_000);
  expect(await ask("/readyz")).toMatchObject({ status: 503, body: { status: "not ready", phase: "draining" } });
  expect(await ask("/healthz")).toMatchObject({ status: 200, body: { phase: "draining" } });
  respond();
  expect(await closing).toEqual([]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  gate.unsubscribe();
});

it("a taken port ends the start with what to do about it, and nothing is left running", async () => {
  const { port } = await startWithHttp(GATED);
  const second = stage.start({ handlers: GATED, config: { http: { port } } });
  await expect(second).rejects.toMatchObject({
    code: "HTTP_PORT_TAKEN",
    message: expect.stringContaining(String(port)),
    remedy: expect.stringContaining("HANDLERS_HTTP_PORT"),
  });
});

it("while NATS is gone a runtime is not ready but alive; it is ready again when NATS is back", async () => {
  const server = await startTestServer();
  const { app, ask } = await startWithHttp(GATED, server.url);
  await app.after(() => server.kill(), "nats.disconnected");
  expect(await ask("/readyz")).toMatchObject({ status: 503, body: { nats: expect.stringMatching(/^reconnecting/) } });
  expect(await ask("/healthz")).toMatchObject({ status: 200 });
  await app.after(() => server.restart(), "nats.reconnected");
  expect(await ask("/readyz")).toMatchObject({ status: 200, body: { nats: "connected" } });
  await app.close();
  await server.stop();
});
