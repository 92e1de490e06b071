// Debian's Chromium for the tests of the page, driven by playwright-core; and the sample, served as a new user does.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { systemClock } from "../../runtime/clock.ts";
import { ControlClient } from "../../runtime/control/client.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { readRuntimeFile } from "../../runtime/dev-server/runtime-file.ts";
import { type CliProcess, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { createProject, type TestProject } from "../support/project.ts";

export const CHROMIUM = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
export const hasChromium = existsSync(CHROMIUM);

export type Theme = "light" | "dark";
export const WIDE = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

export function startBrowser(): Promise<Browser> {
  const quiet = [
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "disable-quic",
  ];
  const args = ["no-sandbox", "disable-gpu", "disable-dev-shm-usage", ...quiet].map((name) => `--${name}`);
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args });
}

export interface Served {
  readonly project: TestProject;
  readonly dev: CliProcess;
  /** With the token. */
  readonly url: string;
  readonly origin: string;
  readonly token: string;
  readonly client: TestClient;
  readonly control: ControlClient;
  readonly letters: DeadLetterBox;
  cli(...args: string[]): Promise<string>;
  end(): Promise<void>;
}

/** `handlers dev --ui` in a copy of the sample. */
export async function serveSample(files: Readonly<Record<string, string>> = {}): Promise<Served> {
  const project = createProject(files);
  project.copySample();
  const dev = startCli(["dev", "--port", "0", "--ui"], { cwd: project.rootDir });
  const [, url = ""] = await dev.printed(/the page: (http:\S+)/);
  const { origin, hash } = new URL(url);
  const server = readRuntimeFile(join(project.rootDir, ".handlers"))?.url ?? "";
  const client = await connectClient(server, false);
  return {
    client,
    control: new ControlClient(client.connection, "todo", undefined, systemClock),
    letters: new DeadLetterBox(client.connection, "todo"),
    project,
    dev,
    url,
    origin,
    token: hash.replace("#t=", ""),
    async cli(...args) {
      const { stdout, stderr } = await startCli(args, { cwd: project.rootDir }).ended;
      return stdout + stderr;
    },
    async end() {
      await client.connection.close();
      dev.child.kill("SIGTERM");
      await dev.ended;
      project.end();
    },
  };
}

export interface Look {
  readonly size?: { readonly width: number; readonly height: number };
  readonly theme?: Theme;
}

/** A tab that has the token, in a profile of its own. */
export async function openPage(browser: Browser, { url }: Pick<Served, "url">, look: Look = {}): Promise<Page> {
  const { size = WIDE, theme = "light" } = look;
  const context: BrowserContext = await browser.newContext({
    viewport: size,
    colorScheme: theme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("heading", { level: 1 }).waitFor();
  return page;
}

/** Looks again until it holds: a page draws when it can. */
export const PATIENT = { timeout: 20_000, interval: 100 };

/** Pictures, scripts beside the page's own, and whether one has run. */
export function madeOfMarkup(page: Page): Promise<unknown> {
  return page.evaluate("[document.images.length, document.scripts.length - 1, 'hacked' in window]");
}

/** Pixels that stick out at the right. */
export function overflowOf(page: Page): Promise<unknown> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
