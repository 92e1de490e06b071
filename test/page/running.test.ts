// Messages that run, on the page: seen before they end, and ended from there.

import { describe, expect, it } from "vitest";
import { hasChromium, openPage, overflowOf, PATIENT, PHONE } from "./browser.ts";
import { usePageStage } from "./stage.ts";

const WORK = `export const metadata = { subject: "shop.work", kind: "durable", concurrency: 4, timeout: "10m" };
export default async (event, ctx) => {
  if (event.blocks) for (;;);
  await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
};\n`;

describe.skipIf(!hasChromium)("messages that run", () => {
  const stage = usePageStage({ "shop/work.ts": WORK });
  const { go } = stage;
  const running = () => stage.page.getByRole("region", { name: "Running now" }).locator(".message-row");
  const reasons = async () => (await stage.served.letters.list()).map(({ reason }) => reason);
  const cancel = async () => {
    await stage.page.getByRole("button", { name: "Cancel…" }).first().click();
    await stage.page.getByRole("button", { name: "Cancel the message" }).click();
  };

  it("are shown before they end, and one is ended with a button: it becomes a dead letter, the other goes on", async () => {
    for (const n of [1, 2]) stage.served.client.publish("shop.work", { n });
    await go("/messages");
    await expect.poll(() => running().count(), PATIENT).toBe(2);
    await cancel();
    await stage.page.getByText("shop/work: the message is cancelled").waitFor();
    await expect.poll(() => running().count(), PATIENT).toBe(1);
    await expect.poll(reasons, PATIENT).toEqual(["cancelled"]);
    await stage.page
      .getByText(/was cancelled by \S+@\S+ \(page\)/)
      .first()
      .waitFor();
    await stage.served.dev.printed(/page: cancel-run \S+ of shop\/work · \S+ from 127\.0\.0\.1/);
  });

  it("are on their handler's page, also on a phone, and one that blocks is ended as well", async () => {
    stage.served.client.publish("shop.work", { blocks: true });
    const phone = await openPage(stage.browser, stage.served, { size: PHONE });
    await phone.goto(`${stage.served.origin}/handlers/shop/work`);
    await expect.poll(() => phone.locator(".message-row.running").count(), PATIENT).toBe(2);
    expect(await overflowOf(phone)).toBe(0);
    await phone.context().close();
    await go("/handlers/shop/work");
    await expect.poll(() => running().count(), PATIENT).toBe(2);
    // The one that came first waits for its signal, and cannot hear it: it runs again in the next worker.
    await stage.page.getByRole("button", { name: "Cancel…" }).nth(1).click();
    await stage.page.getByRole("button", { name: "Cancel the message" }).click();
    await stage.page.getByText("shop/work: the message is cancelled").waitFor();
    await expect.poll(reasons, PATIENT).toEqual(["cancelled", "cancelled"]);
    await expect.poll(() => running().count(), PATIENT).toBe(1);
  });

  it("are said on the way of a message, where one is ended too", async () => {
    await go("/messages");
    await running().getByRole("link", { name: "its way" }).click();
    await stage.page.getByText(/runs for \d+ s/).waitFor();
    await cancel();
    await stage.page.getByText("shop/work: the message is cancelled").waitFor();
    await stage.page.getByText(/shop\/work has given up/).waitFor();
  });
});
