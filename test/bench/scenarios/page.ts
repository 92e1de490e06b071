// How soon the page shows what happens, in a real browser: from Send to the finished way; from a handler's change of state to
// the sign of it; and how long a thousand handlers, sixty of which change with every look, hold up the browser at a time.

import type { Page } from "playwright-core";
import { systemClock } from "../../../runtime/clock.ts";
import { openIntentStore } from "../../../runtime/control/intent-store.ts";
import { hasChromium, openPage, type Served, serveSample, startBrowser } from "../../page/browser.ts";
import { serveCrowd } from "../../page/crowd.ts";
import { percentile } from "../measure/statistics.ts";
import { whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

/** Of each view with a thousand handlers. */
const LOOKED_MS = 20_000;
const SENDS_A_ROUND = 4;
const SWITCHES_A_ROUND = 2;

export const page: Scenario = {
  name: "page",
  summary: "how soon the page shows what happens; needs chromium",
  async run({ rounds }: Options) {
    if (!hasChromium) return { tables: [], data: {}, failures: ["there is no chromium (apt-get install chromium)"] };
    const browser = await startBrowser();
    try {
      const served = await serveSample();
      const tab = await openPage(browser, served);
      const sendsMs = await sends(tab, served, rounds * SENDS_A_ROUND);
      const statesMs = await states(tab, served, rounds * SWITCHES_A_ROUND);
      await served.end();
      const crowd = await serveCrowd([]);
      const tasks = await longTasks(await openPage(browser, crowd), new URL(crowd.url).origin);
      await crowd.end();
      const tables = [soonTable(sendsMs, statesMs), tasksTable(tasks)];
      return { tables, data: { sendsMs, statesMs, tasks }, failures: [] } satisfies Report;
    } finally {
      await browser.close();
    }
  },
};

/** What the script in the page tells. */
type Told = Readonly<Record<string, number>>;

/** From the click to the sentence that says it is done. By the browser's own clock. */
async function sends(tab: Page, { origin }: Served, count: number): Promise<number[]> {
  const took: number[] = [];
  await tab.goto(`${origin}/send?subject=todo.newitem`);
  for (let at = 0; at < count; at++) {
    const id = crypto.randomUUID();
    await tab.getByLabel("Payload").fill(JSON.stringify({ id, item: `milk ${at}` }));
    await tab.evaluate(`(() => {
      const button = document.querySelector("form button[type=submit]");
      const delivery = () => document.querySelector(".way-row a[href^='/messages/']")?.getAttribute("href");
      const before = delivery();
      button.addEventListener("click", () => { window.clickedAt = performance.now(); }, { once: true });
      window.shown = new Promise((resolve) => {
        const look = () => {
          const done = [...document.querySelectorAll(".sentence")].some((one) => one.textContent.startsWith("Done after"));
          const rows = document.querySelectorAll(".way-row").length;
          if (delivery() === before || !done || rows < 6) return;
          watch.disconnect();
          resolve(performance.now() - window.clickedAt);
        };
        const watch = new MutationObserver(look);
        watch.observe(document.body, { childList: true, subtree: true, characterData: true });
      });
    })()`);
    await tab.getByRole("button", { name: "Send", exact: true }).click();
    took.push((await tab.evaluate("window.shown")) as number);
  }
  return took;
}

/** From when the word is in the bucket to its sign on screen. Both are processes of one machine, with one clock. */
async function states(tab: Page, { origin, client }: Served, count: number): Promise<number[]> {
  const store = await openIntentStore(client.connection, "todo", systemClock);
  const took: number[] = [];
  await tab.goto(`${origin}/`);
  const row = tab.locator("tr.handler", { hasText: "todo/mutate" });
  await row.waitFor();
  for (let at = 0; at < count; at++) {
    const isOff = at % 2 === 0;
    const shown = tab.evaluate(`new Promise((resolve) => {
      const look = () => {
        const row = [...document.querySelectorAll("tr.handler")].find((one) => one.textContent.includes("todo/mutate"));
        if (row === undefined || /disabled/.test(row.textContent) !== ${isOff}) return;
        clearInterval(timer);
        resolve(Date.now());
      };
      const timer = setInterval(look, 5);
    })`);
    // Not in step with the page's looks.
    await new Promise((resolve) => setTimeout(resolve, 1_500 + Math.random() * 1_000));
    const startedMs = Date.now();
    const intent = { disabled: isOff, by: "bench", reason: "", sinceMs: store.nowMs(), now: false };
    await store.put("todo/mutate", intent);
    took.push(((await shown) as number) - startedMs);
  }
  return took;
}

interface Tasks {
  readonly view: string;
  readonly longest: number;
  readonly over50: number;
  readonly over100: number;
  /** Until the view stood. */
  readonly openedMs: number;
}

/** Tasks of 50 ms and more, as the browser tells of them: while a view opens, and while it stands. */
async function longTasks(tab: Page, origin: string): Promise<Tasks[]> {
  await tab.addInitScript(`
    window.tasks = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.tasks.push(duration);
    }).observe({ type: "longtask", buffered: true });
  `);
  const views = [
    ["Handlers", "/", "tr.handler"],
    ["Map", "/map", ".map-node"],
    ["Map, one folder open", "/map?open=team3", ".map-node"],
    ["Handlers, found", "/?q=handler", "tr.handler"],
  ] as const;
  const all: Tasks[] = [];
  for (const [view, path, ready] of views) {
    const startedMs = performance.now();
    await tab.goto(`${origin}${path}`);
    await tab.locator(ready).first().waitFor();
    const openedMs = performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, LOOKED_MS));
    const tasks = Object.values((await tab.evaluate("({ ...window.tasks })")) as Told);
    const over = (ms: number) => tasks.filter((duration) => duration > ms).length;
    all.push({ view, longest: Math.max(0, ...tasks), over50: over(50), over100: over(100), openedMs });
  }
  return all;
}

function soonTable(sendsMs: readonly number[], statesMs: readonly number[]): Table {
  const row = (what: string, took: readonly number[]) => [
    what,
    whole(percentile(took, 0.5)),
    whole(percentile(took, 0.95)),
    whole(Math.max(...took)),
  ];
  return {
    title: `how soon it is on screen, in ms (${sendsMs.length} sends, ${statesMs.length} changes of state)`,
    head: ["", "p50", "p95", "longest"],
    rows: [row("from Send to the finished way", sendsMs), row("from disable to its sign", statesMs)],
    notes: ["wanted: 300 ms, and a second"],
  };
}

function tasksTable(tasks: readonly Tasks[]): Table {
  return {
    title: `tasks that hold up the browser, 1,000 handlers, 60 changes with every look, ${LOOKED_MS / 1_000} s each`,
    head: ["view", "opened in ms", "longest in ms", "above 50 ms", "above 100 ms"],
    rows: tasks.map(({ view, openedMs, longest, over50, over100 }) => [
      view,
      whole(openedMs),
      whole(longest),
      whole(over50),
      whole(over100),
    ]),
    notes: ["wanted: none above 100 ms. A task is told of from 50 ms on"],
  };
}
