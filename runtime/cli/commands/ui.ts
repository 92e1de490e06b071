// `handlers ui`: serves the page until Ctrl-C.

import { createInterface } from "node:readline";
import { systemClock } from "../../clock.ts";
import { DeadLetterBox } from "../../dead-letters/dead-letter-box.ts";
import { RuntimeError } from "../../errors.ts";
import { LaterBox } from "../../later/later-box.ts";
import type { Order } from "../../page/order.ts";
import { isLoopback, servePage } from "../../page/page-server.ts";
import { readRights } from "../../page/rights.ts";
import { keptReport } from "../../shadow/kept-report.ts";
import { type Output, printLine } from "../../terminal/terminal.ts";
import { momentText } from "../../terminal/time-text.ts";
import { operatorName, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Invocation } from "../invocation.ts";
import { isOfDev } from "../nats-client.ts";
import { openInBrowser } from "../open-in-browser.ts";
import { startOrder } from "../order-process.ts";
import { packageVersion } from "../package-version.ts";

export interface UiOptions {
  readonly host: string;
  readonly port?: string;
  readonly readOnly?: boolean;
  readonly allow?: string;
  readonly payloads?: boolean;
  readonly open?: boolean;
  /** Started by `dev`, and ends with it. A text: how to have it opened, which is told with the address. */
  readonly beside?: boolean | string;
}

export async function ui({ terminal, options }: Invocation<UiOptions>): Promise<ExitCode> {
  const { host, beside = false } = options;
  const rights = readRights(options);
  const port = options.port === undefined ? undefined : readPort(options.port);
  const config = await loadProject(terminal, options, "dev");
  const { out, err } = terminal;
  return withControl<ExitCode>(terminal, options, async (session) => {
    const { connection, app } = session;
    const desk = {
      ...session,
      clock: systemClock,
      letters: new DeadLetterBox(connection, app),
      later: new LaterBox(connection, app, systemClock),
      inboxPrefix: config.nats.inboxPrefix,
      declared: config.streams.map(({ name }) => name),
      rights,
      showsPayloads: options.payloads === true || isOfDev(config),
      operator: operatorName(terminal.env),
      version: packageVersion(),
      apart: (order: Order) => startOrder(order, options),
      shadowReport: (handler: string) => keptReport(config.stateDir, handler),
      tell: (line: string) => printLine(out, beside === false ? `${timeText(out)} ${line}` : `page: ${line}`),
    };
    const page = await servePage({ desk, host, port });
    const how = typeof beside === "string" ? ` (${beside})` : "";
    printLine(out, `${beside === false ? out.paint("bold", app) : "the page"}: ${page.url}${how}`);
    if (!isLoopback(host)) printLine(err, beyondText(host));
    const open = () => openInBrowser(page.url, (line) => printLine(err, line));
    if (options.open === true) open();
    await (beside === false ? untilAborted(untilInterrupted().signal) : untilStdinEnds(open));
    await page.close();
    return 0;
  });
}

function timeText({ paint }: Output): string {
  const nowMs = systemClock.nowMs();
  return paint("dim", momentText(nowMs, nowMs));
}

function beyondText(host: string): string {
  return `served on ${host}: without TLS the address, and all that is shown, can be read on the way. A tunnel (ssh -L) or a proxy adds it`;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Or is told to: dev ends it that way. A line has it opened. */
function untilStdinEnds(open: () => void): Promise<void> {
  return new Promise((resolve) => {
    createInterface({ input: process.stdin }).on("line", open).once("close", resolve);
    process.once("SIGTERM", () => resolve());
  });
}

function readPort(word: string): number {
  const port = Number(word);
  if (/^\d+$/.test(word) && port <= 65_535) return port;
  throw new RuntimeError("USAGE", `--port needs a port from 0 to 65535; received ${JSON.stringify(word)}`);
}
