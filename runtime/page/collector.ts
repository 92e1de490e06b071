// Asks the replicas how everything stands, a little more often than once a second and only while somebody looks: one question for all who do.

import { type Clock, delay } from "../clock.ts";
import { silentAmong, watchersOf } from "../control/intent-watchers.ts";
import { durationsOf, type HandlerSummary, summarize } from "../control/summary.ts";
import { deadLetterStream } from "../dead-letters/letter-store.ts";
import { describeError } from "../errors.ts";
import { managerOf } from "../nats/jetstream.ts";
import { durablesSeen, pendingOf } from "../operate/kept-messages.ts";
import type { BoardPart, HandlerRow, Replica } from "./answers.ts";
import { rowOf } from "./board.ts";
import type { Desk } from "./desk.ts";
import { History } from "./history.ts";
import { RateMeter } from "./rates.ts";
import { VersionHistory } from "./version-history.ts";

/** How everything stood at one moment. */
export interface Look {
  readonly asOfMs: number;
  readonly replicas: readonly Replica[];
  readonly silent: readonly Replica[];
  /** Each handler's row as JSON, so that it is written once for all who look. */
  readonly rows: ReadonlyMap<string, string>;
  readonly handlers: readonly HandlerRow[];
  readonly summaries: ReadonlyMap<string, HandlerSummary>;
  readonly letters: BoardPart["letters"];
  readonly problem: string | undefined;
}

export type Looker = (look: Look) => void;

/** From one look to the next: with the time that a look takes, what changes is on screen within a second. */
const EVERY_MS = 750;
/** Older than this it is not what is. */
const STALE_MS = 3_000;
const NOTHING: Look = {
  asOfMs: 0,
  replicas: [],
  silent: [],
  rows: new Map(),
  handlers: [],
  summaries: new Map(),
  letters: { count: 0, lastSeq: 0 },
  problem: undefined,
};

export class Collector {
  private readonly desk: Desk;
  private readonly clock: Clock;
  private readonly rates = new RateMeter();
  readonly history = new History();
  readonly versions = new VersionHistory();
  private readonly lookers = new Set<Looker>();
  private last: Look = NOTHING;
  private going = false;
  private hurry = new AbortController();

  constructor(desk: Desk) {
    this.desk = desk;
    this.clock = desk.clock;
  }

  /** Call back with every look, at once where there is a fresh one. Returns what ends it. */
  watch(looker: Looker): () => void {
    this.lookers.add(looker);
    if (this.clock.nowMs() - this.last.asOfMs < STALE_MS) looker(this.last);
    if (!this.going) void this.go();
    return () => void this.lookers.delete(looker);
  }

  /** As they were at the last look. */
  get handlers(): readonly HandlerRow[] {
    return this.last.handlers;
  }

  /** Something has been done: look now. */
  soon(): void {
    this.hurry.abort();
  }

  /** Show again what is known, as something beside it has changed. */
  again(): void {
    for (const looker of [...this.lookers]) looker(this.last);
  }

  private async go(): Promise<void> {
    this.going = true;
    if (this.clock.nowMs() - this.last.asOfMs > STALE_MS) this.rates.reset();
    while (this.lookers.size > 0) {
      this.hurry = new AbortController();
      this.last = await this.look().catch((error: unknown) => ({ ...this.last, problem: describeError(error) }));
      this.again();
      await delay(this.clock, EVERY_MS, this.hurry.signal);
    }
    this.going = false;
  }

  private async look(): Promise<Look> {
    const { client, connection, app } = this.desk;
    if (connection.isClosed()) return { ...this.last, problem: "the connection to NATS is closed" };
    const present = watchersOf(connection, app);
    const [replies, watchers, letters] = await Promise.all([
      client.status(undefined, present),
      present,
      this.letters(),
    ]);
    const durables = await durablesSeen(connection, app, replies);
    const names = replies.flatMap(({ handlers }) =>
      handlers.filter(({ kind }) => kind === "durable" || kind === undefined).map(({ name }) => name),
    );
    const summaries = summarize(replies, pendingOf([...new Set(names)], { app, durables, replies }));
    const asOfMs = this.clock.nowMs();
    const replicas = replies.map(({ replica }) => replica);
    const handlers = summaries.map((one) => rowOf(one, this.rates.look(one.name, one, asOfMs)));
    for (const summary of summaries) {
      const { name, handled, failed, pending, queued } = summary;
      const counts = { handled, failed, durations: durationsOf(summary), waiting: pending ?? queued };
      this.history.look(name, counts, asOfMs);
      this.versions.look(summary, asOfMs);
    }
    const known = new Set(summaries.map(({ name }) => name));
    this.history.keepOnly(known);
    this.versions.keepOnly(known);
    return {
      asOfMs,
      replicas,
      silent: silentAmong(watchers, replicas),
      rows: new Map(handlers.map((row) => [row.name, JSON.stringify(row)])),
      handlers,
      summaries: new Map(summaries.map((one) => [one.name, one])),
      letters,
      problem: undefined,
    };
  }

  /** None where there is no stream of theirs, or we may not ask. */
  private async letters(): Promise<BoardPart["letters"]> {
    const { connection, app } = this.desk;
    try {
      const jsm = await managerOf(connection);
      const { state } = await jsm.streams.info(deadLetterStream(app), { subjects_filter: `dlq.${app}.$part.>` });
      const parts = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
      return { count: state.messages - parts, lastSeq: state.last_seq };
    } catch {
      return { count: 0, lastSeq: 0 };
    }
  }
}

/** What one tab is told: all of the first look, and of later ones what has changed. */
export class BoardDiff {
  private sent: ReadonlyMap<string, string> | undefined;

  /** JSON of a `BoardPart`. */
  next(
    { rows, summaries: _summaries, handlers: _handlers, ...rest }: Look,
    operations: BoardPart["operations"],
  ): string {
    const { sent } = this;
    const changed = [...rows].filter(([name, json]) => sent?.get(name) !== json).map(([, json]) => json);
    const gone = [...(sent?.keys() ?? [])].filter((name) => !rows.has(name));
    this.sent = rows;
    const part = { ...rest, whole: sent === undefined, gone, operations };
    return `${JSON.stringify(part).slice(0, -1)},"changed":[${changed.join(",")}]}`;
  }
}
