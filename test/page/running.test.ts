// Messages that run, on the page: seen before they end, and ended from there.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childProcesses, noneLeft } from "../support/processes.ts";
import {
  hasChromium,
  openPage,
  overflowOf,
  PATIENT,
  PHONE,
  type Served,
  serveSample,
  startBrowser,
} from "./browser.ts";

const WORK = `export const metadata = { subject: "shop.work", kind: "durable", concurrency: 4, timeout: "10m" };
export default async (event, ctx) => {
  if (event.blocks) for (;;);
  await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
};\n`;

describe.skipIf(!hasChromium)("messages that run", () => {
  let before: Set<number>;
  let browser: Browser;
  let served: Served;
  let page: Page;

  beforeAll(async () => {
    before = childProcesses();
    browser = await startBrowser();
    served = await serveSample({ "shop/work.ts": WORK });
    page = await openPage(browser, served);
  });

  afterAll(async () => {
    await browser?.close();
    await served?.end();
    await noneLeft(before);
  });

  const go = (path: string) => page.goto(`${served.origin}${path}`);
  const running = () => page.getByRole("region", { name: "Running now" }).locator(".message-row");
  const reasons = async () => (await served.letters.list()).map(({ reason }) => reason);
  const cancel = async () => {
    await page.getByRole("button", { name: "Cancel…" }).first().click();
    await page.getByRole("button", { name: "Cancel the message" }).click();
  };

  it("are shown before they end, and one is ended with a button: it becomes a dead letter, the other goes on", async () => {
    for (const n of [1, 2]) served.client.publish("shop.work", { n });
    await go("/messages");
    await expect.poll(() => running().count(), PATIENT).toBe(2);
    await cancel();
    await page.getByText("shop/work: the message is cancelled").waitFor();
    await expect.poll(() => running().count(), PATIENT).toBe(1);
    await expect.poll(reasons, PATIENT).toEqual(["cancelled"]);
    await page
      .getByText(/was cancelled by \S+@\S+ \(page\)/)
      .first()
      .waitFor();
    await served.dev.printed(/page: cancel-run \S+ of shop\/work · \S+ from 127\.0\.0\.1/);
  });

  it("are on their handler's page, also on a phone, and one that blocks is ended as well", async () => {
    served.client.publish("shop.work", { blocks: true });
    const phone = await openPage(browser, served, { size: PHONE });
    await phone.goto(`${served.origin}/handlers/shop/work`);
    await expect.poll(() => phone.locator(".message-row.running").count(), PATIENT).toBe(2);
    expect(await overflowOf(phone)).toBe(0);
    await phone.context().close();
    await go("/handlers/shop/work");
    await expect.poll(() => running().count(), PATIENT).toBe(2);
    // The one that came first waits for its signal, and cannot hear it: it runs again in the next worker.
    await page.getByRole("button", { name: "Cancel…" }).nth(1).click();
    await page.getByRole("button", { name: "Cancel the message" }).click();
    await page.getByText("shop/work: the message is cancelled").waitFor();
    await expect.poll(reasons, PATIENT).toEqual(["cancelled", "cancelled"]);
    await expect.poll(() => running().count(), PATIENT).toBe(1);
  });

  it("are said on the way of a message, where one is ended too", async () => {
    await go("/messages");
    await running().getByRole("link", { name: "its way" }).click();
    await page.getByText(/runs for \d+ s/).waitFor();
    await cancel();
    await page.getByText("shop/work: the message is cancelled").waitFor();
    await page.getByText(/shop\/work has given up/).waitFor();
  });
});
