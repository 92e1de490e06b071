// The page of a runtime with a thousand handlers, some of them with names that mean ill; and a page that may do little.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { delay, systemClock } from "../../runtime/clock.ts";
import { hasChromium, madeOfMarkup, openPage, overflowOf, PATIENT, PHONE, startBrowser } from "./browser.ts";
import { type Crowd, serveCrowd } from "./crowd.ts";

const HOSTILE = [
  `<img src=x onerror="window.hacked=1">`,
  "__proto__",
  "\u202Eright to left",
  "a/".repeat(300),
  "x".repeat(2_000),
  "constructor",
];

describe.skipIf(!hasChromium)("a page with a thousand handlers", () => {
  let crowd: Crowd;
  let browser: Browser;
  let page: Page;
  let url = "";

  beforeAll(async () => {
    crowd = await serveCrowd(HOSTILE, "--allow", "reload");
    ({ url } = crowd);
    browser = await startBrowser();
    page = await openPage(browser, { url });
  });

  afterAll(async () => {
    await browser?.close();
    await crowd?.end();
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

  it("shows of a thousand that fit a hundred, and more when asked", async () => {
    const rows = page.locator("tr.handler");
    await page.getByLabel("Search handlers").fill("handler-");
    await page.getByText("The first 100 of 1,000 that fit.").waitFor();
    await expect.poll(() => rows.count(), PATIENT).toBe(100);
    await page.getByRole("button", { name: "Show 100 more" }).click();
    await expect.poll(() => rows.count(), PATIENT).toBe(200);
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
        const before = crowd.looks;
        await delay(systemClock, 2_500);
        return crowd.looks - before;
      }, PATIENT)
      .toBe(0);
  });
});
