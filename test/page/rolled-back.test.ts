// A handler that is rolled back, on the page: by whom, since when and why, in the list and on its own page.

import { describe, expect, it } from "vitest";
import { openVersionStore } from "../../runtime/versions/version-store.ts";
import { hasChromium, openPage, overflowOf, PATIENT, PHONE } from "./browser.ts";
import { usePageStage } from "./stage.ts";

const answering = (price: number) => `export const metadata = { subject: "shop.price", kind: "request" };
export default () => ${price};\n`;
const TOLD = /rolled back from \w{8} to \w{8} by \S+@\S+ (just now|\d+ s ago): twice too dear/;

describe.skipIf(!hasChromium)("a handler that is rolled back", () => {
  const stage = usePageStage({ "shop/price.ts": answering(1) });
  const price = async () => (await stage.served.client.ask("shop.price")).value;
  const kept = async () => {
    const store = await openVersionStore(stage.served.client.connection, "todo", 1);
    return (await store.kept("shop/price")).length;
  };

  it("says so in the list and on its page, also on a phone", async () => {
    await expect.poll(kept, PATIENT).toBe(1);
    stage.served.project.write("shop/price.ts", answering(2));
    await expect.poll(kept, PATIENT).toBe(2);
    expect(await stage.served.cli("rollback", "shop/price", "--reason", "twice too dear")).toMatch(/rolled back to/);
    expect(await price()).toBe(1);

    await stage.go("/");
    await stage.page.locator("tr.why").getByText(TOLD).waitFor();
    await stage.page.getByText("All 5 handlers are well.").waitFor();
    await stage.page.getByRole("link", { name: "shop/price" }).click();
    await stage.page.locator(".reasons").getByText(TOLD).waitFor();

    const phone = await openPage(stage.browser, stage.served, { size: PHONE });
    await phone.getByText(TOLD).waitFor();
    expect(await overflowOf(phone)).toBe(0);
    await phone.context().close();
  });

  it("says it no longer once the rollback is taken back", async () => {
    await stage.served.cli("rollback", "shop/price", "--off");
    expect(await price()).toBe(2);
    await stage.page.locator(".reasons").waitFor({ state: "detached" });
    await stage.go("/");
    await stage.page.getByRole("link", { name: "shop/price" }).waitFor();
    await expect.poll(() => stage.page.getByText(TOLD).count(), PATIENT).toBe(0);
  });
});
