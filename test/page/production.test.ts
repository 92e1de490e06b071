// The page of a runtime in production, without --payloads: what is seen of messages, and what is not.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliProcess, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { hasChromium, openPage, PATIENT, startBrowser } from "./browser.ts";

const ECHO = `export const metadata = { subject: "echo.in" };
export default (event, ctx) => ctx.publish("echo.out", event);\n`;

describe.skipIf(!hasChromium)("the page of a runtime in production", () => {
  let server: TestServer;
  let client: TestClient;
  let project: TestProject;
  let runtime: CliProcess;
  let ui: CliProcess;
  let browser: Browser;
  let url = "";

  beforeAll(async () => {
    server = await startTestServer();
    client = await connectClient(server.url);
    project = createProject({ "echo.ts": ECHO });
    const common = ["--app", "prod", "--server", server.url];
    runtime = startCli(["start", ...common], { cwd: project.rootDir });
    await runtime.printed(/"event":"runtime\.ready"/);
    ui = startCli(["ui", "--port", "0", ...common], { cwd: project.rootDir });
    [, url = ""] = await ui.printed(/prod: (http:\S+)/);
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    for (const running of [ui, runtime]) {
      running?.child.kill("SIGTERM");
      await running?.ended;
    }
    project?.end();
    await client?.connection.close();
    await server?.stop();
  });

  it("shows messages from when somebody looks, without what they carry", async () => {
    const out = await client.collect("echo.out");
    client.publish("echo.in", { word: "before" });
    await out.until(1);
    const page = await openPage(browser, { url });
    await page.goto(`${new URL(url).origin}/messages`);
    await page.getByText("No message has come yet").waitFor();
    await page.getByText("Payloads are not shown, nor searched").waitFor();
    client.publish("echo.in", { word: "geheim" });
    const rows = page.locator(".message-row");
    await expect.poll(() => rows.count(), PATIENT).toBe(1);
    await rows.first().getByRole("link").click();
    await page.getByText(/not shown\..*--payloads/).waitFor();
    await page.getByText("echo.out").waitFor();
    expect(await page.content()).not.toContain("geheim");
    await page.goto(`${new URL(url).origin}/messages?q=geheim`);
    await page.getByText("No message fits so far").waitFor();
  });
});
