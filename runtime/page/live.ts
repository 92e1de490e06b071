// What one open tab is sent: the board, and what its view needs besides: of a handler its replicas and its log, messages as
// they end, or the way of one. Slow tabs get the newest board and miss the ones between.

import { RuntimeError } from "../errors.ts";
import { detailOf } from "./board.ts";
import { BoardDiff, type Collector, type Look } from "./collector.ts";
import type { Desk } from "./desk.ts";
import { logEntry } from "./log-entry.ts";
import type { RunningPart } from "./message-answers.ts";
import { type Feed, feedMessages, feedWay } from "./message-feed.ts";
import type { MessageWatch } from "./message-watch.ts";
import type { Operations } from "./operations.ts";
import type { MessageFilter } from "./read-messages.ts";
import type { RunningWatch } from "./running-watch.ts";

export interface Tab {
  /** The handler on screen. */
  readonly handler: string | undefined;
  /** The filter of the messages on screen. */
  readonly messages: MessageFilter | undefined;
  /** The message whose way is on screen. */
  readonly way: string | undefined;
  send(event: "board" | "handler" | "log" | "messages" | "way" | "running", json: string): Promise<unknown>;
  /** Aborts when the tab is hidden or closed. */
  readonly gone: AbortSignal;
}

export interface LiveTabsOptions {
  readonly desk: Desk;
  readonly collector: Collector;
  readonly operations: Operations;
  readonly watch: MessageWatch;
  readonly running: RunningWatch;
}

const PAST_LINES = 100;

export class LiveTabs {
  /** Browsers have many tabs, and each costs something. */
  static readonly MOST = 20;
  private readonly desk: Desk;
  private readonly collector: Collector;
  private readonly operations: Operations;
  private readonly watch: MessageWatch;
  private readonly running: RunningWatch;
  private open = 0;

  constructor({ desk, collector, operations, watch, running }: LiveTabsOptions) {
    this.desk = desk;
    this.collector = collector;
    this.operations = operations;
    this.watch = watch;
    this.running = running;
  }

  /** Throws QUEUE_FULL when too many are open. */
  assertRoom(): void {
    if (this.open < LiveTabs.MOST) return;
    throw new RuntimeError("QUEUE_FULL", `${LiveTabs.MOST} tabs have this page open`, {
      remedy: "Close some of them.",
    });
  }

  /** Resolves when the tab is gone. */
  async serve(tab: Tab): Promise<void> {
    this.open++;
    const unwatch = this.collector.watch(newestTo(tab, this.boardWriter(tab)));
    const unlook = this.watchRunning(tab);
    try {
      await Promise.all([ended(tab.gone), this.sendLog(tab), ...this.feeds(tab)]);
    } finally {
      unwatch();
      unlook();
      this.open--;
    }
  }

  private boardWriter(tab: Tab): (look: Look) => Promise<void> {
    const diff = new BoardDiff();
    let shown = "";
    return async (look) => {
      await tab.send("board", diff.next(look, this.operations.views));
      const summary = tab.handler === undefined ? undefined : look.summaries.get(tab.handler);
      const detail = summary === undefined ? "" : JSON.stringify(detailOf(summary));
      if (detail === shown || detail === "") return;
      shown = detail;
      await tab.send("handler", detail);
    };
  }

  /** Where messages are on screen, or a handler: its own. */
  private watchRunning(tab: Tab): () => void {
    const { handler, messages, way } = tab;
    if (handler === undefined && messages === undefined && way === undefined) return () => undefined;
    const of = handler ?? messages?.handler;
    let shown = "";
    const write = async ({ rows, unsaid }: RunningPart) => {
      const own = of === undefined ? rows : rows.filter((row) => row.handler === of);
      const keys = own.map(({ handler: name, id, attempt }) => `${name} ${id} ${attempt}`).join("\n");
      if (keys === shown) return; // How long it has run the browser counts on.
      shown = keys;
      await tab.send("running", JSON.stringify({ rows: own, unsaid } satisfies RunningPart));
    };
    return this.running.look(newestTo(tab, write));
  }

  private feeds({ messages, way, send, gone }: Tab): Promise<void>[] {
    const { watch, collector } = this;
    const feed = (event: "messages" | "way"): Feed => ({
      watch,
      clock: this.desk.clock,
      gone,
      send: (json) => send(event, json),
    });
    return [
      ...(messages === undefined ? [] : [feedMessages(feed("messages"), messages)]),
      ...(way === undefined ? [] : [feedWay(feed("way"), way, () => collector.handlers)]),
    ];
  }

  private async sendLog({ handler, send, gone }: Tab): Promise<void> {
    if (handler === undefined) return;
    const request = { names: [handler], last: PAST_LINES, level: "info" };
    for await (const line of this.desk.client.logs(request, true, gone))
      await send("log", JSON.stringify(logEntry(line)));
  }
}

/** One at a time; of those that come meanwhile the last. */
function newestTo<T>({ gone }: Tab, write: (look: T) => Promise<void>): (look: T) => void {
  let next: T | undefined;
  let writing = false;
  return (look) => {
    next = look;
    if (!writing) void pump();
  };

  async function pump(): Promise<void> {
    writing = true;
    while (next !== undefined && !gone.aborted) {
      const look = next;
      next = undefined;
      await write(look).catch(() => undefined); // The tab has gone.
    }
    writing = false;
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
