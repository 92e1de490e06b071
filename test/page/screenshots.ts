// Pictures of every view: `node test/page/screenshots.ts [FOLDER]`, at both widths and in both themes. Three of them are in docs/.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { openIntentStore } from "../../runtime/control/intent-store.ts";
import { openPage, PHONE, serveSample, startBrowser, type Theme, WIDE } from "./browser.ts";

const [, , folder = "docs/pictures"] = process.argv;
/** Those that the documentation shows. */
const SHOWN = new Set(["page-handlers-1280-light", "page-way-1280-light", "page-letters-1280-dark"]);
const all = folder !== "docs/pictures";

const BROKEN = `export const metadata = { subject: "shop.order.placed", kind: "durable", retry: { attempts: 1 } };
export default (order) => {
  if (order.total < 0) throw new Error("no price for order " + order.id);
  if (order.card === "stolen") throw new Error("card refused");
};\n`;
const PRICE = `export const metadata = { subject: "shop.price", kind: "request" };
export default () => ({ cents: 250 });\n`;
const TYPO = `export const metadata = { subject: "shop.mail" };
export default (mail) => { send(mail; };\n`;

const IMPORT = `export const metadata = { subject: "shop.import", kind: "durable", concurrency: 4, timeout: "10m" };
export default (file, ctx) => new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));\n`;

const served = await serveSample({
  "shop/order.ts": BROKEN,
  "shop/price.ts": PRICE,
  "shop/mail.ts": TYPO,
  "shop/import.ts": IMPORT,
});
const browser = await startBrowser();
try {
  await prepare();
  mkdirSync(folder, { recursive: true });
  for (const theme of ["light", "dark"] as const) for (const size of [WIDE, PHONE]) await shoot(theme, size);
} finally {
  await browser.close();
  await served.end();
}

async function prepare(): Promise<void> {
  for (let at = 0; at < 4; at++) await send("todo.newitem", { id: crypto.randomUUID(), item: `buy   milk ${at}` });
  for (let at = 0; at < 3; at++)
    await send("shop.order.placed", { id: 100 + at, total: -1, card: "4711", password: "geheim" });
  await send("shop.order.placed", { id: 7, total: 3, card: "stolen" });
  await send("todo.newitem", { id: "no id", item: "" });
  for (const file of ["prices.csv", "stock.csv"]) await send("shop.import", { file });
  await served.cli(
    "send",
    "todo.newitem",
    "--delay",
    "2h",
    JSON.stringify({ id: crypto.randomUUID(), item: "call mum" }),
  );
  // By somebody who is nobody here.
  const store = await openIntentStore(served.client.connection, "todo", systemClock);
  const sinceMs = store.nowMs();
  const intent = { disabled: true, by: "ana@laptop", reason: "doubles items", sinceMs, untilMs: sinceMs + 7_200_000 };
  await store.put("todo/mutate", { ...intent, now: false });
}

function send(subject: string, payload: object): Promise<string> {
  return served.cli("send", subject, JSON.stringify(payload));
}

async function shoot(theme: Theme, size: { readonly width: number; readonly height: number }): Promise<void> {
  const page = await openPage(browser, served, { theme, size });
  await page.goto(`${served.origin}/messages?handler=todo/save&outcome=returned`);
  await page.locator(".message-row a").first().click();
  const way = (await page.getByRole("link", { name: "Its way" }).getAttribute("href")) ?? "";
  const message = new URL(page.url()).pathname;
  const views: readonly (readonly [name: string, path: string, ready: string])[] = [
    ["handlers", "/", "todo/save"],
    ["handler", "/handlers/shop/order", "Messages a second"],
    ["messages", "/messages", "Watched since"],
    ["message", message, "Its way"],
    ["way", way, "Begun at"],
    ["map", "/map", "publisher not known"],
    ["letters", "/letters", "card refused"],
    ["running", "/handlers/shop/import", "Running now"],
    ["letter", "/letters/1", "Payload"],
    ["refused", "/letters/5", "is no uuid"],
    ["form", "/send?subject=todo.newitem", "wants it"],
    ["streams", "/streams", "Leaves later"],
    ["send", "/send?letter=1", "Taken by"],
  ];
  for (const [name, path, ready] of views) {
    const file = `page-${name}-${size.width}-${theme}`;
    if (!all && !SHOWN.has(file)) continue;
    await page.goto(`${served.origin}${path}`);
    await page.getByText(ready).first().waitFor();
    if (name === "form") await page.getByRole("button", { name: "Fill in an example" }).click();
    await page.screenshot({ path: join(folder, `${file}.png`), fullPage: all });
  }
  if (all) {
    await page.goto(`${served.origin}/handlers/todo/save`);
    await page.getByRole("button", { name: "Disable…" }).click();
    await page.getByRole("dialog").waitFor();
    await page.screenshot({ path: join(folder, `page-disable-${size.width}-${theme}.png`) });
  }
  await page.context().close();
}
