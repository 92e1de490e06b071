// What one open tab is sent: the board, and what its view needs besides: of a handler its replicas and its log, messages as
// they end, or the way of one. Slow tabs get the newest board and miss the ones between.

import { RuntimeError } from "../errors.ts";
import { detailOf } from "./board.ts";
import { BoardDiff, type Collector, type Look } from "./collector.ts";
import type { Desk } from "./desk.ts";
import { logEntry } from "./log-entry.ts";
import { type Feed, feedMessages, feedWay } from "./message-feed.ts";
import type { MessageWatch } from "./message-watch.ts";
import type { Operations } from "./operations.ts";
import type { MessageFilter } from "./read-messages.ts";

export interface Tab {
  /** The handler on screen. */
  readonly handler: string | undefined;
  /** The filter of the messages on screen. */
  readonly messages: MessageFilter | undefined;
  /** The message whose way is on screen. */
  readonly way: string | undefined;
  send(event: "board" | "handler" | "log" | "messages" | "way", json: string): Promise<unknown>;
  /** Aborts when the tab is hidden or closed. */
  readonly gone: AbortSignal;
}

const PAST_LINES = 100;

export class LiveTabs {
  /** Browsers have many tabs, and each costs something. */
  static readonly MOST = 20;
  private readonly desk: Desk;
  private readonly collector: Collector;
  private readonly operations: Operations;
  private readonly watch: MessageWatch;
  private open = 0;

  constructor(desk: Desk, collector: Collector, operations: Operations, watch: MessageWatch) {
    this.desk = desk;
    this.collector = collector;
    this.operations = operations;
    this.watch = watch;
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
    try {
      await Promise.all([ended(tab.gone), this.sendLog(tab), ...this.feeds(tab)]);
    } finally {
      unwatch();
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
function newestTo({ gone }: Tab, write: (look: Look) => Promise<void>): (look: Look) => void {
  let next: Look | undefined;
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
