// What a handler's schema does on the page: a form to send by, and marks in a payload that was refused.

import { describe, expect, it } from "vitest";
import { hasChromium, openPage, overflowOf, PATIENT, PHONE } from "./browser.ts";
import { usePageStage } from "./stage.ts";

const PLACE = `import { z } from "zod";
export const metadata = {
  subject: "shop.place", kind: "durable", retry: { attempts: 1 },
  schema: z.object({
    id: z.uuid(),
    total: z.number().min(0),
    kind: z.enum(["new", "again"]),
    lines: z.array(z.object({ sku: z.string().min(1), count: z.int().positive() })).min(1),
    pay: z.discriminatedUnion("by", [z.object({ by: z.literal("cash") }), z.object({ by: z.literal("card"), last4: z.string() })]),
    note: z.string().optional(),
  }),
};
export default (event, ctx) => ctx.publish("shop.placed", event);\n`;
const PLAIN = `export const metadata = { subject: "shop.plain" };
export default () => {};\n`;

describe.skipIf(!hasChromium)("a handler's schema", () => {
  const stage = usePageStage({ "shop/place.ts": PLACE, "shop/plain.ts": PLAIN });
  const { go } = stage;
  const field = (name: string) => stage.page.getByRole("region", { name: "Form" }).getByLabel(name, { exact: false });
  const payload = async () => JSON.parse(await stage.page.getByLabel("Payload").inputValue());

  it("makes a form, which writes the JSON beside it, and what is sent arrives", async () => {
    await go("/send?subject=shop.place");
    await stage.page.getByRole("button", { name: "Fill in an example" }).click();
    await field("total").fill("12.5");
    await field("kind").selectOption("again");
    await field("sku").fill("tea");
    await stage.page.getByRole("button", { name: "Add to lines" }).click();
    await field("sku").nth(1).fill("milk");
    await field("count").nth(1).fill("3");
    await field("Which pay").selectOption("by: card");
    await field("last4").fill("4711");
    await field("note").fill("soon");
    const placed = await stage.served.client.collect<Record<string, unknown>>("shop.placed");
    await stage.page.getByRole("button", { name: "Send", exact: true }).click();
    await stage.page.getByText(/^Done after/).waitFor();
    const lines = [
      { sku: "tea", count: 1 },
      { sku: "milk", count: 3 },
    ];
    const wanted = { total: 12.5, kind: "again", lines, pay: { by: "card", last4: "4711" }, note: "soon" };
    expect(await payload()).toMatchObject(wanted);
    expect(await placed.until(1)).toMatchObject([wanted]);
  });

  it("follows the JSON, says what it would refuse and where, and comes back when it is JSON again", async () => {
    await go("/send?subject=shop.place");
    await stage.page.getByLabel("Payload").fill('{"id":"x","total":-1}');
    await stage.page.getByText("total has to be at least 0").waitFor();
    expect(await field("total").inputValue()).toBe("-1");
    await stage.page.getByLabel("Payload").fill('{"id":');
    await stage.page.getByText("the form is back when it is").waitFor();
    await stage.page.getByLabel("Payload").fill("{}");
    await stage.page.getByText(/id is required/).waitFor();
    await field("note").fill("a");
    await field("note").fill("");
    expect(await payload()).toEqual({});
  });

  it("is that of the one that has a schema, where several take the message", async () => {
    await go("/send?subject=todo.newitem");
    await stage.page.getByText("As todo/save wants it").waitFor();
    await field("item").fill("milk");
    expect(await payload()).toEqual({ item: "milk" });
    await stage.page.getByLabel("Payload").fill("");
  });

  it("says why there is no form", async () => {
    await go("/send?subject=shop.plain");
    await stage.page.getByText("shop/plain: it has no schema").waitFor();
  });

  it("is shown on the handler's page when somebody wants to see it", async () => {
    await go("/handlers/shop/place");
    await stage.page.getByText("Its metadata and schema").click();
    await stage.page.getByText('"last4"').first().waitFor();
    await stage.page.getByText(/attempts \d+, backoff/).waitFor();
    await go("/handlers/shop/plain");
    await stage.page.getByText("Its metadata and schema").click();
    await stage.page.getByText("Its schema is not shown: it has no schema.").waitFor();
  });

  it("fits a phone", async () => {
    const phone = await openPage(stage.browser, stage.served, { size: PHONE });
    await phone.goto(`${stage.served.origin}/send?subject=shop.place`);
    await phone.getByRole("button", { name: "Fill in an example" }).click();
    await phone.getByRole("button", { name: "Add to lines" }).click();
    expect(await overflowOf(phone)).toBe(0);
    await phone.context().close();
  });

  it("marks in a dead letter the places that it refuses; mended there and sent again, it is handled", async () => {
    stage.served.client.publish("shop.place", {
      id: "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01",
      total: "1",
      kind: "new",
      lines: [{ sku: "", count: 1 }],
      pay: { by: "cash" },
    });
    await expect.poll(async () => (await stage.served.letters.list()).length, PATIENT).toBe(1);
    await go("/letters/1");
    await expect
      .poll(() => stage.page.locator("mark").allTextContents(), PATIENT)
      .toEqual(['  "total": "1",', '      "sku": "",']);
    await stage.page.getByText("← has to be a number").waitFor();
    await stage.page.getByRole("link", { name: "Edit and send again" }).click();
    await field("total").fill("1");
    await field("sku").fill("tea");
    const placed = await stage.served.client.collect("shop.placed");
    await stage.page.getByRole("button", { name: "Send again to it" }).click();
    expect(await placed.until(1)).toMatchObject([{ total: 1, lines: [{ sku: "tea", count: 1 }] }]);
    await expect.poll(() => stage.served.letters.list(), PATIENT).toEqual([]);
  });
});
