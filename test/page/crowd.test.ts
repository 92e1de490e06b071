// The page of a runtime with a thousand handlers, some of them with names that mean ill; and a page that may do little.

import type { NatsConnection } from "@nats-io/transport-node";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { delay, systemClock } from "../../runtime/clock.ts";
import { type CliProcess, startCli } from "../support/cli-process.ts";
import { connectClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { hasChromium, madeOfMarkup, openPage, overflowOf, PATIENT, PHONE, startBrowser } from "./browser.ts";

const HOSTILE = [
  `<img src=x onerror="window.hacked=1">`,
  "__proto__",
  "\u202Eright to left",
  "a/".repeat(300),
  "x".repeat(2_000),
  "constructor",
];

function handlerNamed(name: string, at: number, handled: number) {
  return {
    ...{
      name,
      file: `handlers/${name}.ts`,
      state: at === 500 ? "quarantined" : at % 50 === 1 ? "disabled" : "serving",
    },
    ...{ kind: "event", subject: `s.${name}`, version: "v1234567890", inFlight: 0, queued: 0, handled, failed: 0 },
    ...{ p50Ms: 1, p99Ms: 2, durations: [handled], reloads: 0, restarts: 0, pids: [1] },
    ...(at === 500 ? { lastError: { code: "WORKER_CRASHED", message: HOSTILE[0], atMs: 1 } } : {}),
  };
}

describe.skipIf(!hasChromium)("a page with a thousand handlers", () => {
  let server: TestServer;
  let runtime: NatsConnection;
  let project: TestProject;
  let ui: CliProcess;
  let browser: Browser;
  let page: Page;
  let url = "";
  let looks = 0;

  beforeAll(async () => {
    server = await startTestServer();
    runtime = (await connectClient(server.url)).connection;
    const names = Array.from({ length: 1_000 }, (_, at) => `team${at % 20}/handler-${String(at).padStart(4, "0")}`);
    runtime.subscribe("_HANDLERS.big.status", {
      callback: (_error, message) => {
        looks++;
        const replica = { instance: "i1", host: "h", pid: 1, startedAtMs: Date.now() };
        // 60 of them change with every look.
        const handlers = [...names, ...HOSTILE].map((name, at) => handlerNamed(name, at, at < 60 ? looks : 7));
        message.respond(JSON.stringify({ replica, handlers }));
      },
    });
    await runtime.flush();
    project = createProject();
    const args = ["ui", "--port", "0", "--app", "big", "--allow", "reload", "--server", server.url];
    ui = startCli(args, { cwd: project.rootDir });
    [, url = ""] = await ui.printed(/big: (http:\S+)/);
    browser = await startBrowser();
    page = await openPage(browser, { url });
  });

  afterAll(async () => {
    await browser?.close();
    ui?.child.kill("SIGTERM");
    await ui?.ended;
    project?.end();
    await runtime?.close();
    await server?.stop();
  });

  it("shows folders, opens the one with trouble, and finds one handler", async () => {
    await page.getByText("1 handler needs you:").waitFor();
    const rows = page.locator("tr.handler");
    await expect.poll(() => rows.count(), PATIENT).toBe(50);
    await page.getByRole("button", { name: "team3/" }).click();
    await expect.poll(() => rows.count(), PATIENT).toBe(100);
    await page.getByLabel("Search handlers").fill("handler-0777");
    await expect.poll(() => rows.count(), PATIENT).toBe(1);
    await page.getByLabel("Search handlers").fill("");
  });

  it("shows changes as they come", async () => {
    await page.getByLabel("Search handlers").fill("handler-0000");
    const row = page.locator("tr.handler");
    await expect.poll(() => row.locator(".number").first().textContent(), PATIENT).toMatch(/[1-9]/);
    await page.getByLabel("Search handlers").fill("");
  });

  it("runs no name, and each leads to its own handler", async () => {
    for (const name of HOSTILE) {
      await page.goto(`${new URL(url).origin}/handlers/${name.split("/").map(encodeURIComponent).join("/")}`);
      await page.getByText("Last errors").waitFor();
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(name);
    }
    await page.goto(`${new URL(url).origin}/?show=trouble`);
    await page.getByText("onerror").first().waitFor();
    expect(await madeOfMarkup(page)).toEqual([0, 0, false]);
  });

  it("draws the map by folders, the one with trouble marked, and opens one of them", async () => {
    await page.goto(`${new URL(url).origin}/map`);
    const map = page.getByRole("region", { name: "Map of subjects and handlers" });
    await map.getByRole("button", { name: /team3\// }).waitFor();
    expect(await map.locator(".map-node").count()).toBeLessThan(70);
    expect(await map.locator(".map-node.tone-bad").count()).toBe(1);
    await map.getByRole("button", { name: /team3\// }).click();
    await map.locator('[href="/handlers/team3/handler-0003"]').waitFor();
    expect(page.url()).toContain("open=team3");
    expect(await madeOfMarkup(page)).toEqual([0, 0, false]);
    await page.getByRole("button", { name: "Close all folders" }).click();
    await map.getByRole("button", { name: /team3\// }).waitFor();
  });

  it("says that no replica tells of messages, and what right that needs", async () => {
    await page.goto(`${new URL(url).origin}/messages`);
    await page.getByText("No replica tells of its messages").waitFor();
    await page.getByText("_HANDLERS.big.messages").waitFor();
  });

  it("has buttons only for what is allowed", async () => {
    await page.goto(`${new URL(url).origin}/handlers/team0/handler-0000`);
    await page.getByRole("button", { name: "Reload" }).waitFor();
    expect(await page.getByRole("button", { name: "Disable…" }).count()).toBe(0);
    await page.goto(`${new URL(url).origin}/send`);
    await page.getByText("Sending is not allowed from here").waitFor();
  });

  it("fits a phone", async () => {
    const phone = await openPage(browser, { url }, { size: PHONE });
    await phone.getByText("1 handler needs you:").waitFor();
    await phone.getByLabel("Search handlers").fill("x");
    await expect.poll(() => phone.locator("tr.handler").count(), PATIENT).toBeGreaterThan(0);
    expect(await overflowOf(phone)).toBe(0);
    await phone.goto(`${new URL(url).origin}/map`);
    await phone.getByRole("button", { name: /team3\// }).waitFor();
    expect(await overflowOf(phone)).toBe(0);
    await phone.context().close();
  });

  it("is not asked for when nobody looks", async () => {
    await page.goto("about:blank");
    // What is under way ends; then no question comes between two that we ask ourselves a few seconds apart.
    await expect
      .poll(async () => {
        const before = looks;
        await delay(systemClock, 2_500);
        return looks - before;
      }, PATIENT)
      .toBe(0);
  });
});
