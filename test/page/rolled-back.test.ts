// A handler that is rolled back, on the page: by whom, since when and why, in the list and on its own page.

import { describe, expect, it } from "vitest";
import { openVersionStore } from "../../runtime/versions/version-store.ts";
import { hasChromium, openPage, overflowOf, PATIENT, PHONE } from "./browser.ts";
import { usePageStage } from "./stage.ts";

const answering = (price: number) => `export const metadata = { subject: "shop.price", kind: "request" };
export default () => ${price};\n`;
const billing = (billed: string) => `export const metadata = { subject: "shop.bill", kind: "durable" };
export default ({ cents, token }, ctx) => ctx.publish("shop.billed", ${billed});\n`;
const TOLD = /rolled back from \w{8} to \w{8} by \S+@\S+ (just now|\d+ s ago): twice too dear/;

describe.skipIf(!hasChromium)("a handler that is rolled back", () => {
  const stage = usePageStage({ "shop/price.ts": answering(1), "shop/bill.ts": billing("{ cents, token }") });
  const price = async () => (await stage.served.client.ask("shop.price")).value;
  const kept = async () => {
    const store = await openVersionStore(stage.served.client.connection, "todo", 1);
    return Promise.all(["shop/price", "shop/bill"].map(async (name) => (await store.kept(name)).length));
  };

  it("says so in the list and on its page, also on a phone", async () => {
    await expect.poll(kept, PATIENT).toEqual([1, 1]);
    stage.served.project.write("shop/price.ts", answering(2));
    stage.served.project.write("shop/bill.ts", billing('{ cents: cents * 2, token: token + "!" }'));
    await expect.poll(kept, PATIENT).toEqual([2, 2]);
    expect(await stage.served.cli("rollback", "shop/price", "--reason", "twice too dear")).toMatch(/rolled back to/);
    expect(await price()).toBe(1);

    await stage.go("/");
    await stage.page.locator("tr.why").getByText(TOLD).waitFor();
    await stage.page.getByText("All 6 handlers are well.").waitFor();
    await stage.page.getByRole("link", { name: "shop/price" }).click();
    await stage.page.locator(".reasons").getByText(TOLD).waitFor();

    const phone = await openPage(stage.browser, stage.served, { size: PHONE });
    await phone.getByText(TOLD).waitFor();
    expect(await overflowOf(phone)).toBe(0);
    await phone.context().close();
  });

  it("shows what the files would do differently, tried on stored messages; no secret of these", async () => {
    const { client, cli } = stage.served;
    expect(await cli("rollback", "shop/bill")).toMatch(/rolled back to/);
    const billed = await client.collect("shop.billed");
    for (const cents of [25, 50]) client.publish("shop.bill", { cents, token: `geheim-${cents}` });
    await billed.until(2);
    await stage.go("/handlers/shop/bill");
    await stage.page.getByRole("heading", { name: "The last hour" }).waitFor();
    expect(await stage.page.getByRole("heading", { name: "Tried on stored messages" }).count()).toBe(0);

    expect(await cli("shadow", "shop/bill", "--against", "live")).toMatch(/publish shop.billed: data.cents/);
    const found = stage.page.locator("section", { has: stage.page.getByText("Tried on stored messages") }).last();
    await found.getByText("2 differences, in 2 of 2 messages").waitFor();
    await found.getByText("what the replicas serve").waitFor();
    const examples = (await found.locator("pre").allTextContents()).join("\n");
    expect(examples).toMatch(/- 25\n +\+ 50\n/);
    expect(examples).toMatch(/- \*{3}\n +\+ \*{3}/);
    expect(examples).not.toContain("geheim");
  });

  it("says it no longer once the rollback is taken back", async () => {
    await stage.go("/handlers/shop/price");
    await stage.page.locator(".reasons").getByText(TOLD).waitFor();
    for (const name of ["shop/price", "shop/bill"]) await stage.served.cli("rollback", name, "--off");
    expect(await price()).toBe(2);
    await stage.page.locator(".reasons").waitFor({ state: "detached" });
    await stage.go("/");
    await stage.page.getByRole("link", { name: "shop/price" }).waitFor();
    await expect.poll(() => stage.page.getByText(TOLD).count(), PATIENT).toBe(0);
  });
});
