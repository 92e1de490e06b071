// The sample with some handlers more, served for all tests of a file, and a tab that shows it.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, onTestFailed } from "vitest";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { openPage, type Served, serveSample, startBrowser } from "./browser.ts";

export interface PageStage {
  readonly browser: Browser;
  readonly served: Served;
  readonly page: Page;
  go(path: string): Promise<unknown>;
}

/** Call it at the top of a `describe`. After its tests no process of theirs may be left. */
export function usePageStage(files: Readonly<Record<string, string>>): PageStage {
  let before: Set<number>;
  let browser: Browser | undefined;
  let served: Served | undefined;
  let page: Page | undefined;

  beforeAll(async () => {
    before = childProcesses();
    browser = await startBrowser();
    served = await serveSample(files);
    page = await openPage(browser, served);
  });

  // What the page shows begins in the runtime.
  beforeEach(() => onTestFailed(() => console.error(served?.dev.text().slice(-4_000))));

  afterAll(async () => {
    await browser?.close();
    await served?.end();
    await noneLeft(before);
  });

  return {
    get browser() {
      return browser!;
    },
    get served() {
      return served!;
    },
    get page() {
      return page!;
    },
    go: (path) => page!.goto(`${served!.origin}${path}`),
  };
}
