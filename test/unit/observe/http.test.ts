import { afterEach, describe, expect, it } from "vitest";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import { type HttpRoutes, type HttpServer, jsonAnswer, startHttp } from "../../../runtime/observe/http.ts";

const open: HttpServer[] = [];
const events: RuntimeEvent[] = [];
const emit = (event: RuntimeEvent) => void events.push(event);

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
  events.length = 0;
});

async function serve(routes: HttpRoutes, port = 0): Promise<HttpServer> {
  const server = await startHttp({ host: "127.0.0.1", port, routes, emit });
  open.push(server);
  return server;
}

const ALIVE: HttpRoutes = { "/healthz": () => jsonAnswer(200, { status: "alive" }) };

describe("the HTTP server", () => {
  it("answers GET on the paths it has, whatever the query", async () => {
    const { url } = await serve(ALIVE);
    const response = await fetch(`${url}/healthz?verbose`);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ status: "alive" });
  });

  it("refuses other methods, and names the paths it has to those who ask for another", async () => {
    const { url } = await serve(ALIVE);
    const posted = await fetch(`${url}/healthz`, { method: "POST", body: "x".repeat(100_000) });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET"]);
    for (const path of ["/", "/toString", "/healthz/"]) {
      const missed = await fetch(`${url}${path}`);
      expect(missed.status).toBe(404);
      expect(await missed.json()).toMatchObject({ paths: ["/healthz"] });
    }
  });

  it("tells the log, not the client, why an answer could not be made", async () => {
    const { url } = await serve({ "/metrics": () => Promise.reject(new Error("secret")) });
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(events).toMatchObject([{ level: "error", message: expect.stringContaining("secret") }]);
  });

  it("says which port is taken and how to choose another", async () => {
    const { url } = await serve(ALIVE);
    const port = Number(new URL(url).port);
    await expect(serve(ALIVE, port)).rejects.toMatchObject({
      code: "HTTP_PORT_TAKEN",
      message: expect.stringContaining(`port ${port} of 127.0.0.1`),
      remedy: expect.stringContaining("HANDLERS_HTTP_PORT"),
    });
  });

  it("says so when the host is none of this machine's", async () => {
    const elsewhere = startHttp({ host: "203.0.113.1", port: 0, routes: ALIVE, emit });
    await expect(elsewhere).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("ends open connections when it closes, and frees the port", async () => {
    const server = await serve(ALIVE);
    await fetch(`${server.url}/healthz`);
    await server.close();
    await server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    await serve(ALIVE, Number(new URL(server.url).port));
  });
});
