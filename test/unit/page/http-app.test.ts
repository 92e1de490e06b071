// The page's server as a browser, and as somebody who means ill, asks it: over HTTP, with a desk whose runtime is nowhere.

import { describe, expect, it } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import { Collector } from "../../../runtime/page/collector.ts";
import type { Desk } from "../../../runtime/page/desk.ts";
import { httpApp } from "../../../runtime/page/http-app.ts";
import { LiveTabs } from "../../../runtime/page/live.ts";
import { MessageWatch } from "../../../runtime/page/message-watch.ts";
import { Operations } from "../../../runtime/page/operations.ts";
import { ACTIONS, type Action } from "../../../runtime/page/rights.ts";
import { ACTION_ROUTES, READS } from "../../../runtime/page/routes.ts";
import { RunningWatch } from "../../../runtime/page/running-watch.ts";
import { Schemas } from "../../../runtime/page/schemas.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { fakeBox, letter } from "./fake-letters.ts";

const HOST = "127.0.0.1:4280";
const TOKEN = "a-token";
const BODIES: Readonly<Record<string, object>> = {
  "/api/disable": { name: "a", reason: "slow\n12:00:00 forged", now: false },
  "/api/enable": { name: "a" },
  "/api/reload": { name: "a" },
  "/api/invoke": { name: "a", payload: "{}" },
  "/api/redrive": { letters: { ids: [1] } },
  "/api/drop": { ids: [1] },
  "/api/mend": { id: 1, payload: "{}", raw: false },
  "/api/stop": { id: "1" },
  "/api/cancel": { id: 1 },
  "/api/cancel-run": { handler: "a", id: "b:1" },
  "/api/send": { subject: "a.b", payload: "{}", headers: [], ask: false, raw: false },
};

function serve(rights: readonly Action[] = ACTIONS, more: Partial<Desk> = {}) {
  const lines: string[] = [];
  const away = () => Promise.reject(new RuntimeError("NATS_UNREACHABLE", "no runtime answers"));
  const desk = {
    app: "shop",
    connection: {
      getServer: () => "127.0.0.1:4222",
      info: { version: "2.9.10" },
      isClosed: () => false,
      request: away,
    },
    client: { status: away, invoke: away, running: away, contract: away },
    letters: fakeBox([letter(1)]),
    later: { cancel: away },
    clock: fakeClock(),
    rights: new Set(rights),
    showsPayloads: true,
    operator: "ana@host",
    version: "1.2.3",
    declared: [],
    tell: (line: string) => lines.push(line),
    ...more,
  } as unknown as Desk;
  const collector = new Collector(desk);
  const operations = new Operations(desk, () => undefined);
  const watch = new MessageWatch(desk);
  const app = httpApp({
    desk,
    watch,
    schemas: new Schemas(desk, collector),
    collector,
    operations,
    tabs: new LiveTabs({ desk, collector, operations, watch, running: new RunningWatch(desk) }),
    assets: { html: "<!doctype html>the page", js: "js", css: "css", icon: "icon" },
    gate: { hosts: new Set([HOST]), token: TOKEN },
    addressOf: () => "127.0.0.9",
  });
  const ask = async (path: string, body?: object | string, headers: Readonly<Record<string, string>> = {}) => {
    const own = {
      host: HOST,
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const text = typeof body === "object" ? JSON.stringify(body) : body;
    const response = await app.request(path, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...own, ...headers },
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    return { status: response.status, headers: response.headers, text: answer };
  };
  return { app, ask, lines, operations };
}

describe("every answer", () => {
  it.each(["/", "/letters/1", "/assets/app.js", "/assets/nothing", "/api/session", "/api/nothing"])(
    "%s comes with a policy that runs nothing but the page's own script",
    async (path) => {
      const { headers } = await serve().ask(path);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'/);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(policy).toMatch(/frame-ancestors 'none'/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  it("is the page for every address that is none of its own, so that addresses lead to what is seen", async () => {
    const { ask } = serve();
    for (const path of ["/", "/handlers/todo/save", "/letters/1", "/x/y"]) {
      expect(await ask(path)).toMatchObject({ status: 200, text: "<!doctype html>the page" });
    }
    expect(await ask("/assets/nothing")).toMatchObject({ status: 404 });
    expect(await ask("/api/nothing")).toMatchObject({ status: 404 });
  });
});

describe("without the token", () => {
  it.each([...READS, ...ACTION_ROUTES].map(({ path }) => path))("%s does nothing", async (path) => {
    const { ask, lines, operations } = serve();
    const body = BODIES[path];
    expect(await ask(path, body, { authorization: "Bearer wrong" })).toMatchObject({ status: 401 });
    expect(lines).toEqual([]);
    expect(operations.views).toEqual([]);
  });

  it("there is no live stream", async () => {
    expect(await serve().ask("/api/live", undefined, { authorization: "" })).toMatchObject({ status: 401 });
  });
});

it("a live stream has a connection of its own, which a browser lets go with it", async () => {
  const headers = { host: HOST, authorization: `Bearer ${TOKEN}` };
  const live = await serve().app.request("/api/live", { headers });
  expect(live.headers.get("content-type")).toBe("text/event-stream");
  expect(live.headers.get("connection")).toBe("close");
  await live.body?.cancel();
});

describe("what is not allowed", () => {
  it.each(ACTION_ROUTES.map((route) => [route.path, route.needs] as const))(
    "%s is refused, and said to be",
    async (path, needs) => {
      const others = ACTIONS.filter((action) => !needs.includes(action));
      for (const rights of [[], others]) {
        const { ask, lines, operations } = serve(rights);
        const { status, text } = await ask(path, BODIES[path]);
        expect(status).toBe(403);
        expect(JSON.parse(text).error.message).toContain("not allowed from here");
        expect([lines, operations.views]).toEqual([[], []]);
      }
    },
  );

  it("is what the page is told, so that it draws no button for it", async () => {
    const { text } = await serve(["disable"]).ask("/api/session");
    expect(JSON.parse(text)).toMatchObject({ app: "shop", actions: ["disable"], version: "1.2.3" });
  });
});

describe("an action", () => {
  it.each(ACTION_ROUTES.map(({ path }) => path))("%s takes no other body", async (path) => {
    const { ask, lines } = serve();
    for (const body of [
      "",
      "{",
      "[]",
      "{}",
      "null",
      JSON.stringify({ ...BODIES[path], extra: 1 }),
      '{"__proto__":{"name":"a"}}',
    ]) {
      expect(await ask(path, body)).toMatchObject({ status: 400 });
    }
    expect(lines).toEqual([]);
  });

  it("is told in the log with who and where from, on one line whatever was typed, also when it fails", async () => {
    const { ask, lines } = serve();
    const { status, text } = await ask("/api/reload", { name: "a\n12:00:00 forged\x1b[2J" });
    expect([status, JSON.parse(text).error.code]).toEqual([503, "NATS_UNREACHABLE"]);
    expect(lines).toEqual([
      "reload a 12:00:00 forged\\x1b[2J · ana@host from 127.0.0.9 · failed: NATS_UNREACHABLE: no runtime answers",
    ]);
  });

  it("with a body of more than 2 MB is refused", async () => {
    const { ask } = serve();
    const huge = JSON.stringify({ ...BODIES["/api/send"], payload: "x".repeat(3 * 1024 ** 2) });
    expect(await ask("/api/send", huge, { "content-length": String(huge.length) })).toMatchObject({ status: 413 });
  });
});

describe("letters", () => {
  it("are listed without payloads, and one is shown with its own", async () => {
    const { ask } = serve();
    const list = await ask("/api/letters");
    expect(JSON.parse(list.text)).toMatchObject({
      total: 1,
      upTo: 1,
      letters: [{ id: 1, handler: "a" }],
      groups: [{ count: 1 }],
    });
    expect(list.text).not.toContain("payload of 1");
    expect(JSON.parse((await ask("/api/letter?id=1")).text)).toMatchObject({ payload: { kind: "json" } });
    expect(await ask("/api/letter?id=99")).toMatchObject({ status: 404 });
    expect(await ask("/api/letter?id=x")).toMatchObject({ status: 400 });
  });

  it("show no payload, and find by none, where payloads are not shown", async () => {
    const { ask } = serve(ACTIONS, { showsPayloads: false });
    const shown = await ask("/api/letter?id=1");
    expect(JSON.parse(shown.text).payload).toMatchObject({ kind: "hidden", text: "" });
    expect(shown.text).not.toContain("payload of 1");
    expect(JSON.parse((await ask("/api/letters?words=payload+of+1")).text).total).toBe(0);
  });
});
