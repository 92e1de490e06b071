// The page in a browser, on the sample as a new user runs it: each view, each action from click to effect.

import { readFileSync } from "node:fs";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, madeOfMarkup, openPage, overflowOf, PATIENT, PHONE, type Theme, WIDE } from "./browser.ts";
import { usePageStage } from "./stage.ts";

const MARKUP = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
const BREAKS = `export const metadata = { subject: "shop.break", kind: "durable", retry: { attempts: 1 } };
export default (event) => {
  if (event.bad) throw new Error("refused " + event.note);
};\n`;

if (!hasChromium) console.warn("there is no chromium (apt-get install chromium): the page is not tested in a browser");

describe.skipIf(!hasChromium)("the page", () => {
  const stage = usePageStage({ "shop/break.ts": BREAKS });
  const { go } = stage;
  const faults: string[] = [];

  beforeAll(() => {
    stage.page.on("pageerror", (error) => faults.push(error.message));
    stage.page.on("console", (message) => {
      // What the server refuses is told as an error too.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        faults.push(message.text());
    });
  });

  afterEach(() => {
    expect(faults.splice(0)).toEqual([]);
  });

  const send = (subject: string, payload: object) => stage.served.client.publish(subject, payload);
  const stateOf = async (name: string) => {
    const [replica] = await stage.served.control.status();
    return replica?.handlers.find((handler) => handler.name === name)?.state;
  };
  const letters = () => stage.served.letters.list();
  const items = async () => (await stage.served.client.ask("todo.list")).text;
  const button = (name: string | RegExp) => stage.page.getByRole("button", { name });

  it("opens at the address that dev prints, shows every handler, and takes the token out of the address", async () => {
    await go(`/#t=${stage.served.token}`);
    await stage.page.getByText("All 5 handlers are well.").waitFor();
    for (const name of ["shop/break", "todo/audit", "todo/list", "todo/mutate", "todo/save"]) {
      await stage.page.getByRole("link", { name }).waitFor();
    }
    expect(stage.page.url()).toBe(`${stage.served.origin}/`);
  });

  it("without the token shows nothing, and says where to get it", async () => {
    const stranger = await (await stage.browser.newContext()).newPage();
    await stranger.goto(`${stage.served.origin}/letters`);
    await stranger.getByText("This address is of an earlier start").waitFor();
    expect(await stranger.textContent("body")).not.toContain("todo/save");
    await stranger.context().close();
  });

  it("sends a message: it is saved, and stays in the history", async () => {
    await go("/send?subject=todo.newitem");
    await stage.page.getByText("todo/save").first().waitFor();
    await stage.page.getByLabel("Payload").fill(`{"id":"5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01","item":"milk"}`);
    await button("Send").click();
    await stage.page.getByText(/to todo\.newitem: stored in stream TODO, 1/).waitFor();
    await expect.poll(items, PATIENT).toContain('"item":"Milk"');
    await stage.page.reload();
    await stage.page.getByText("Sent from this tab").waitFor();
  });

  it("asks a request handler, and shows the reply", async () => {
    await go("/send?subject=todo.list");
    await button("Ask").click();
    await stage.page.getByText('"item": "Milk"').waitFor();
  });

  it("leads from what was sent to its way: who took it, what they published, and how long it took", async () => {
    await go("/send?subject=todo.newitem");
    await stage.page.getByLabel("Payload").fill(`{"id":"5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a07","item":"eggs"}`);
    await button("Send").click();
    await stage.page.getByText(/^Done after/).waitFor();
    const rows = stage.page.locator(".way-row");
    await expect.poll(() => rows.allTextContents(), PATIENT).toHaveLength(6);
    const way = (await rows.allTextContents()).join("\n");
    for (const part of [
      /todo\.newitem sent from the page/,
      /todo\/save done/,
      /todo\.itemsaved published after/,
      /todo\/mutate done/,
    ])
      expect(way).toMatch(part);
    await stage.page.getByRole("link", { name: "its way" }).first().click();
    await stage.page.getByRole("heading", { name: "The way of a message" }).waitFor();
    expect(stage.page.url()).toContain("/way?of=sent");
    await expect.poll(() => rows.count(), PATIENT).toBe(6);
    await stage.page.reload();
    await expect.poll(() => rows.count(), PATIENT).toBe(6);
  });

  it("shows messages as they come, finds one by its payload, and opens it with all that belongs to it", async () => {
    await go("/messages");
    const rows = stage.page.locator(".message-row");
    await rows.first().waitFor();
    const before = await rows.count();
    send("todo.newitem", { id: "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a08", item: "flour", password: "geheim" });
    await expect.poll(() => rows.count(), PATIENT).toBeGreaterThan(before);
    await stage.page.getByLabel("Search messages").fill("flour");
    await expect.poll(() => rows.count(), PATIENT).toBe(2);
    expect(stage.page.url()).toContain("q=flour");
    await stage.page.getByLabel("Handler").selectOption("todo/save");
    await expect.poll(() => rows.count(), PATIENT).toBe(1);
    await stage.page.getByRole("link", { name: "todo/save" }).click();
    await stage.page.getByText('"item": "flour"').waitFor();
    await stage.page.getByText('"password": "***"').waitFor();
    await stage.page.getByText("todo.itemsaved").waitFor();
    await stage.page.getByRole("link", { name: "Edit and send" }).click();
    await expect.poll(() => stage.page.getByLabel("Payload").inputValue(), PATIENT).toContain('"item": "flour"');
  });

  it("draws who takes what, and what they publish in turn", async () => {
    await go("/map");
    const map = stage.page.getByRole("region", { name: "Map of subjects and handlers" });
    for (const name of [/todo\.newitem/, /todo\/save/, /todo\.itemsaved/, /todo\/mutate/])
      await map.getByRole("link", { name }).first().waitFor();
    expect(await map.locator(".map-edge").count()).toBeGreaterThan(5);
    await map.getByRole("link", { name: /todo\/save/ }).click();
    await stage.page.getByRole("heading", { name: "todo/save" }).waitFor();
  });

  it("says what is wrong with a payload that is not JSON, and sends nothing", async () => {
    await go("/send?subject=todo.newitem");
    await stage.page.getByLabel("Payload").fill("{no");
    await button("Send").click();
    await stage.page.getByText("the payload is not JSON").waitFor();
    await button("Put away").click();
  });

  it("disables a handler with a reason and an end, on every replica, and enables it", async () => {
    await go("/handlers/todo/mutate");
    await button("Disable…").click();
    await stage.page.getByLabel("Why").fill("doubles items");
    await stage.page.getByLabel("How long").selectOption("1h");
    await button("Disable on 1 replica").click();
    await stage.page.getByText("todo/mutate is off on 1 replica").waitFor();
    await stage.page.getByText(/disabled by \S+ \(page\) .*: doubles items, until/).waitFor();
    expect(await stateOf("todo/mutate")).toBe("disabled");
    await stage.served.dev.printed(/page: disable todo\/mutate: doubles items · \S+ from 127\.0\.0\.1/);
    await button("Enable").click();
    await stage.page.getByText("todo/mutate is enabled on 1 replica").waitFor();
    await expect.poll(() => stateOf("todo/mutate"), PATIENT).toMatch(/serving|idle/);
  });

  it("disables a handler until a time", async () => {
    await go("/handlers/todo/mutate");
    await button("Disable…").click();
    await stage.page.getByLabel("How long").selectOption("until");
    await stage.page.getByLabel("Until", { exact: true }).fill(`${new Date().getFullYear() + 1}-01-31T18:30`);
    await button("Disable on 1 replica").click();
    await stage.page.getByText(/disabled by .*, until .*01-31/).waitFor();
    await button("Enable").click();
    await expect.poll(() => stateOf("todo/mutate"), PATIENT).toMatch(/serving|idle/);
  });

  it("shows versions as they come, and what each did to failures", async () => {
    await go("/handlers/shop/break");
    const versions = stage.page.getByRole("region", { name: "Versions" }).locator("tbody tr");
    await expect.poll(() => versions.count(), PATIENT).toBe(1);
    const text = readFileSync(stage.served.project.path("shop/break.ts"), "utf8");
    stage.served.project.write("shop/break.ts", `${text}// Saved again.\n`.replace("refused", "not taken"));
    await expect.poll(() => versions.count(), PATIENT).toBe(2);
    send("shop.break", {});
    await expect.poll(() => versions.first().textContent(), PATIENT).toMatch(/serves.*by a save or reload.*10/);
    stage.served.project.write("shop/break.ts", text);
    await expect.poll(() => versions.first().textContent(), PATIENT).toMatch(/serves/);
  });

  it("runs a handler once by hand, and shows what came of it", async () => {
    await go("/handlers/shop/break");
    await button("Run once…").click();
    await stage.page.getByLabel("Payload").fill(`{"bad":true,"note":"by hand"}`);
    await button("Run it").click();
    await stage.page.getByText(/threw after \d+ ms on replica/).waitFor();
    await stage.page.getByText("refused by hand").first().waitFor();
    await button("Close").click();
    await go("/handlers/todo/list");
    await button("Run once…").click();
    await button("Run it").click();
    await stage.page.getByText(/returned after \d+ ms on replica/).waitFor();
    await stage.page.getByText('"items"').waitFor();
    await button("Close").click();
  });

  it("reloads a handler", async () => {
    await go("/handlers/todo/save");
    await button("Reload").click();
    await stage.page.getByText(/todo\/save is up again on 1 replica in \d+ ms/).waitFor();
  });

  it("shows the log of a handler as it is written", async () => {
    await go("/handlers/todo/audit");
    await stage.page.getByText("saw todo.newitem").first().waitFor();
    send("todo.newitem", { id: "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a02", item: "bread" });
    await stage.page.getByText("5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a02").first().waitFor();
  });

  it("shows a broken save with its place, and that it is mended", async () => {
    const text = readFileSync(stage.served.project.path("shop/break.ts"), "utf8");
    stage.served.project.write("shop/later.ts", text.replace("shop.break", "shop.later").replace("=> {", "=> {{"));
    await go("/");
    await stage.page.getByText("1 handler needs you:").waitFor();
    await stage.page.getByRole("link", { name: "shop/later" }).first().click();
    await stage.page.getByRole("heading", { name: "shop/later" }).waitFor();
    await stage.page.getByText("BUNDLE_FAILED").first().waitFor();
    stage.served.project.remove("shop/later.ts");
    await stage.page.getByText("No replica has this handler").waitFor();
  });

  it("groups dead letters by how and where they failed, finds one by its payload, and opens it", async () => {
    for (const n of [1, 2, 3]) send("shop.break", { bad: true, n, note: `order ${n}`, password: "geheim" });
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(3);
    // So that it is the fourth.
    send("todo.newitem", { id: "no id", item: "x" });
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(4);
    await go("/");
    await stage.page.getByText("Failed lately:").waitFor();
    await stage.page
      .getByText(/^failed \d+ s ago: HANDLER_THREW: .*refused order \d \(handlers\/shop\/break\.ts:3/)
      .waitFor();
    await go("/letters");
    await stage.page.getByText("They failed in 2 ways").waitFor();
    await stage.page.getByText("handlers/shop/break.ts:3:").first().waitFor();
    await stage.page.getByLabel("Search dead letters").fill('"n": 2');
    await stage.page.getByText("They failed in one way").waitFor();
    expect(new URL(stage.page.url()).searchParams.get("q")).toBe('"n": 2');
    await stage.page.getByRole("listitem").filter({ hasText: "Choose letter" }).getByRole("link").click();
    await stage.page.getByRole("heading", { name: /Dead letter \d/ }).waitFor();
    await stage.page.getByText('"password": "***"').waitFor();
    expect(await stage.page.textContent("body")).not.toContain("geheim");
    await stage.page.goBack();
    await stage.page.getByText("They failed in one way").waitFor();
  });

  it("redrives one letter to its handler: what fails again is a letter again", async () => {
    await go("/letters/1");
    await button("Redrive it…").click();
    // In the dialog: the button behind it begins with the same word.
    await stage.page.getByRole("dialog").getByRole("button", { name: "Redrive" }).click();
    await stage.page.getByText(/Redrive letter 1: done, 1 of 1/).waitFor();
    await expect
      .poll(async () => (await letters()).map(({ redriven }) => redriven).sort(), PATIENT)
      .toEqual([0, 0, 0, 1]);
  });

  it("drops those that are chosen, and all of a group, and no others", async () => {
    await go("/letters?handler=todo/save");
    await stage.page.getByLabel("Choose letter 4").check();
    await button("Drop 1…").click();
    await button("Drop for good").click();
    await stage.page.getByText(/Drop letter 4: done/).waitFor();
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(3);
    send("todo.newitem", { id: "still no id", item: "x" });
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(4);
    await go("/letters");
    await stage.page
      .getByRole("link", { name: /refused order/ })
      .first()
      .click();
    await stage.page.getByRole("heading", { name: "3 letters" }).waitFor();
    await button("Drop all 3…").click();
    await button("Drop for good").click();
    await stage.page.getByText(/Drop letters of .*: done, 3 of 3/).waitFor();
    expect((await letters()).map(({ message }) => message)).toEqual([expect.stringContaining("Invalid UUID")]);
  });

  it("edits a letter and sends it again to its handler alone: it is handled, and the letter is gone", async () => {
    const [letter] = await letters();
    await go(`/letters/${letter?.id}`);
    await stage.page.getByRole("link", { name: "Edit and send" }).click();
    await expect.poll(() => stage.page.getByLabel("Payload").inputValue(), PATIENT).toContain("still no id");
    await stage.page.getByLabel("Payload").fill(`{"id":"5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a03","item":"mended"}`);
    await stage.page.getByText("it goes to todo/save alone").waitFor();
    await button("Send again to it").click();
    await stage.page.getByText(/Letter \d+ is sent again to todo\/save/).waitFor();
    await expect.poll(items, PATIENT).toContain("Mended");
    await expect.poll(letters, PATIENT).toEqual([]);
  });

  it("edits a letter and sends it as a new message, to whoever takes its subject", async () => {
    send("todo.newitem", { id: "no id again", item: "x" });
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(1);
    const [letter] = await letters();
    await go(`/send?letter=${letter?.id}`);
    await button("Send a new message instead").click();
    await stage.page.getByLabel("Payload").fill(`{"id":"5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a04","item":"anew"}`);
    await button("Send").click();
    await stage.page
      .getByText(/stored in stream TODO/)
      .first()
      .waitFor();
    await expect.poll(items, PATIENT).toContain("Anew");
    expect((await letters()).map(({ id }) => id)).toEqual([letter?.id]);
  });

  it("redrives at a chosen rate, and stops on the way: the rest are still letters", async () => {
    for (let n = 0; n < 30; n++) send("shop.break", { bad: true, note: `slowly ${n}` });
    await expect.poll(async () => (await letters()).length, PATIENT).toBe(31);
    await go("/letters?handler=shop/break");
    await stage.page.getByRole("button", { name: "Redrive all 30…" }).click();
    await stage.page.getByLabel("How fast").selectOption("1");
    await button("Redrive").last().click();
    await stage.page.getByText(/of 30, 1 a second/).waitFor();
    await stage.page.goto("about:blank");
    await go("/letters?handler=shop/break");
    await button("Stop").click();
    await stage.page.getByText(/Redrive letters of handler shop\/break, up to \d+: stopped, \d+ of 30/).waitFor();
    expect((await letters()).filter(({ redriven }) => redriven === 0).length).toBeGreaterThan(20);
  });

  it("shows what streams hold and who takes it, and cancels what leaves later", async () => {
    await stage.served.cli("send", "todo.newitem", "--delay", "2h", "{}");
    await go("/streams");
    await stage.page.getByRole("heading", { name: "TODO", exact: true }).waitFor();
    await stage.page.getByRole("link", { name: "todo/save" }).waitFor();
    await button("Cancel…").click();
    await button("Cancel it for good").click();
    await stage.page.getByText("The message to todo.newitem is cancelled").waitFor();
    expect(JSON.parse(await stage.served.cli("scheduled", "list", "--json"))).toMatchObject({ total: 0 });
  });

  it("runs nothing of a message: not of its payload, its headers, its subject or the error that quotes it", async () => {
    await stage.served.cli(
      "send",
      "shop.break",
      "-H",
      `X-Note=${MARKUP}`,
      JSON.stringify({ bad: true, note: MARKUP, [MARKUP]: MARKUP }),
    );
    await expect.poll(async () => (await letters())[0]?.message, PATIENT).toContain("onerror");
    const [newest] = await letters();
    for (const path of [
      "/letters",
      `/letters/${newest?.id}`,
      "/handlers/shop/break",
      `/send?letter=${newest?.id}`,
      `/handlers/${encodeURIComponent(MARKUP)}`,
    ]) {
      await go(path);
      await stage.page.getByText("onerror").or(stage.page.locator("textarea")).first().waitFor();
      expect(await madeOfMarkup(stage.page)).toEqual([0, 0, false]);
    }
  });

  it("shows of messages only what failed, with why, and holds them with a key", async () => {
    await go("/messages?outcome=failed&handler=shop/break&q=on-hold");
    await stage.page.getByText("No message fits so far").waitFor();
    send("shop.break", { bad: true, note: `on-hold ${MARKUP}` });
    const rows = stage.page.locator(".message-row");
    await expect.poll(() => rows.count(), PATIENT).toBe(1);
    await stage.page.getByText("refused on-hold <img").first().waitFor();
    expect(await madeOfMarkup(stage.page)).toEqual([0, 0, false]);
    await stage.page.keyboard.press("p");
    send("shop.break", { bad: true, note: "on-hold second" });
    await stage.page.getByText("1 message since you held them").waitFor();
    expect(await rows.count()).toBe(1);
    await stage.page.keyboard.press("p");
    await expect.poll(() => rows.count(), PATIENT).toBe(2);
    await rows.first().getByRole("link").click();
    await stage.page.getByText("refused on-hold second").first().waitFor();
    await stage.page.getByText("shop/break.ts").first().waitFor();
    await stage.page.getByRole("link", { name: "Its way" }).click();
    await stage.page.getByText(/shop\/break has given up/).waitFor();
  });

  it("is worked by keyboard", async () => {
    await go("/");
    await stage.page.locator("tr.handler").getByRole("link", { name: "todo/save" }).waitFor();
    await stage.page.keyboard.press("/");
    await stage.page.keyboard.type("todo/l");
    await expect
      .poll(() => stage.page.locator("tr.handler").getByRole("link", { name: "todo/save" }).count(), PATIENT)
      .toBe(0);
    await stage.page.keyboard.press("Escape");
    await stage.page.keyboard.press("?");
    await stage.page.getByRole("dialog", { name: "Help" }).waitFor();
    await stage.page.keyboard.press("Escape");
    await stage.page.keyboard.press("j");
    await stage.page.keyboard.press("j");
    await stage.page.keyboard.press("Enter");
    await stage.page.getByRole("heading", { name: "todo/list" }).waitFor();
    for (const [key, name] of ["Messages", "Map", "Dead letters"].entries()) {
      await stage.page.keyboard.press(String(key + 2));
      await stage.page.getByRole("heading", { name }).waitFor();
    }
  });

  it("a hidden tab has no stream, and one that comes back has", async () => {
    await go("/");
    await stage.page.locator("tr.handler").getByRole("link", { name: "todo/save" }).waitFor();
    const show = (hidden: boolean) =>
      stage.page.evaluate(
        `Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));`,
      );
    const ended = stage.page.waitForEvent("requestfailed", (request) => request.url().includes("/api/live"));
    await show(true);
    await ended;
    const begun = stage.page.waitForRequest((request) => request.url().includes("/api/live"));
    await show(false);
    await begun;
  });

  describe.each(["light", "dark"] as const)("in the %s theme", (theme: Theme) => {
    it.each([
      ["1280", WIDE],
      ["390", PHONE],
    ])("%s pixels wide every view fits, and axe finds nothing serious", async (_name, size) => {
      const tab = await openPage(stage.browser, stage.served, { theme, size });
      const [letter] = await letters();
      await tab.goto(`${stage.served.origin}/messages?handler=todo/save`);
      await tab.locator(".message-row a").first().click();
      const hrefOfWay = await tab.getByRole("link", { name: "Its way" }).getAttribute("href");
      const [message, way] = [new URL(tab.url()).pathname, hrefOfWay ?? ""];
      const views = [
        "/",
        "/?q=none",
        "/handlers/shop/break",
        "/map",
        "/messages",
        "/messages?q=nothing-fits",
        "/messages/none",
        message,
        "/way?of=none",
        way,
        "/letters",
        `/letters/${letter?.id}`,
        "/letters?q=nothing",
        "/streams",
        `/send?letter=${letter?.id}`,
        "/none",
      ];
      for (const path of views) {
        await tab.goto(`${stage.served.origin}${path}`);
        await tab.locator("main h1, main .empty").first().waitFor();
        await tab.getByText("1 replica").first().waitFor();
        const { found, overflow } = await audit(tab);
        expect({ path, found, overflow }).toEqual({ path, found: [], overflow: 0 });
      }
      await tab.goto(`${stage.served.origin}/handlers/shop/break`);
      await tab.getByRole("button", { name: "Disable…" }).click();
      expect(await audit(tab)).toEqual({ found: [], overflow: 0 });
      await tab.context().close();
    });
  });

  it("ends with dev, also when dev is killed", async () => {
    stage.served.dev.child.kill("SIGKILL");
    await stage.served.dev.ended;
    await expect
      .poll(
        () =>
          fetch(stage.served.origin).then(
            () => "there",
            () => "gone",
          ),
        { timeout: 10_000 },
      )
      .toBe("gone");
    await stage.page.getByText("The page's server does not answer").waitFor();
  });
});

interface Audit {
  readonly found: readonly string[];
  readonly overflow: unknown;
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

async function audit(tab: Page): Promise<Audit> {
  await tab.evaluate(axe.source);
  const { violations } = await tab.evaluate<AxeResult>("axe.run()");
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" ")}`);
  return { found, overflow: await overflowOf(tab) };
}
