// What the server sends as it happens. One stream a tab, none while the tab is hidden: a browser has six to a server, and
// the seventh tab would hang.

import { batch, type Signal, signal } from "@preact/signals";
import type { BoardPart, HandlerDetail, HandlerRow, LogEntry } from "../answers.ts";
import type { MessagesPart, RunningPart, WatchState, WayView } from "../message-answers.ts";
import { ask, locked, session } from "./api.ts";
import { EventReader } from "./event-stream.ts";
import { hrefWith } from "./route.ts";
import { authorization } from "./token.ts";

export type Link = "connecting" | "live" | "lost";

/** All but the rows. */
export type Board = Omit<BoardPart, "whole" | "changed" | "gone">;

export type Messages = Omit<MessagesPart, "whole">;
export type WayPart = WatchState & Pick<WayView, "asked"> & Partial<WayView>;

/** What a view wants to be told besides the board, as the server names it. */
export type Wish = Readonly<Record<string, string | undefined>>;

export const link = signal<Link>("connecting");
export const board = signal<Board | undefined>(undefined);
/** Sorted. It changes when handlers come and go; how each stands is in `rows`. */
export const names = signal<readonly string[]>([]);
/** Counts up with every change of any row. */
export const revision = signal(0);
export const detail = signal<HandlerDetail | undefined>(undefined);
export const log = signal<readonly LogEntry[]>([]);
export const logPaused = signal(false);
/** Of the filter that is on screen, the newest last. */
export const messages = signal<Messages | undefined>(undefined);
/** Without a root: nothing is known of the message. */
export const way = signal<WayPart | undefined>(undefined);
export const running = signal<RunningPart>({ rows: [], unsaid: 0 });
export const nowMs = signal(Date.now());

const rows = new Map<string, Signal<HandlerRow>>();
const KEPT_LINES = 500;
const KEPT_ROWS = 500;
const RETRY_MS = 1_000;
/** The server sends once a second. */
const SILENT_MS = 6_000;

let watched = "";
let stop = new AbortController();

export function rowOf(name: string): Signal<HandlerRow> | undefined {
  return rows.get(name);
}

/** Every row as it is now; renders anew with each change. */
export function allRows(): HandlerRow[] {
  revision.value;
  return names.value.flatMap((name) => rows.get(name)?.value ?? []);
}

/** From now on also what the view on screen wants to be told. */
export function watch(wish: Wish): void {
  const words = hrefWith("", wish);
  if (words === watched) return;
  watched = words;
  batch(() => {
    detail.value = undefined;
    log.value = [];
    logPaused.value = false;
    // Those of another filter stay until what fits is there.
    if (wish.messages === undefined) messages.value = undefined;
    way.value = undefined;
    running.value = { rows: [], unsaid: 0 };
  });
  restart();
}

export function startLive(): void {
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1_000);
  document.addEventListener("visibilitychange", restart);
  restart();
}

function restart(): void {
  stop.abort();
  stop = new AbortController();
  if (!document.hidden) void keepReading(stop.signal);
}

async function keepReading(signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !locked.value) {
    try {
      session.value ??= await ask("/api/session");
      await read(signal);
    } catch {
      // Told by `link`; it is tried again.
    }
    if (signal.aborted) return;
    link.value = "lost";
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function read(outer: AbortSignal): Promise<void> {
  const silence = new AbortController();
  const signal = AbortSignal.any([outer, silence.signal]);
  const response = await fetch(`/api/live${watched}`, { headers: { Authorization: authorization() }, signal });
  if (response.status === 401) locked.value = true;
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
  const reader = new EventReader();
  const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
  log.value = [];
  for (;;) {
    const timer = setTimeout(() => silence.abort(), SILENT_MS);
    const { value, done } = await pieces.read();
    clearTimeout(timer);
    if (done || outer.aborted) return;
    batch(() => {
      for (const { event, data } of reader.read(value)) take(event, JSON.parse(data));
    });
  }
}

function take(event: string, value: unknown): void {
  if (event === "board") takeBoard(value as BoardPart);
  else if (event === "handler") detail.value = value as HandlerDetail;
  else if (event === "messages") takeMessages(value as MessagesPart);
  else if (event === "way") way.value = value as WayPart;
  else if (event === "running") running.value = value as RunningPart;
  else if (event === "log") log.value = [...log.value, value as LogEntry].slice(-KEPT_LINES);
}

function takeMessages({ whole, rows, ...rest }: MessagesPart): void {
  const before = whole ? undefined : messages.value;
  const all = [...(before?.rows ?? []), ...rows];
  messages.value = { ...rest, known: rest.known + (before?.known ?? 0), rows: all.slice(-KEPT_ROWS) };
}

function takeBoard({ whole, changed, gone, ...rest }: BoardPart): void {
  link.value = "live";
  nowMs.value = Date.now();
  const before = rows.size;
  const kept = new Set(changed.map(({ name }) => name));
  const leaving = whole ? [...rows.keys()].filter((name) => !kept.has(name)) : gone;
  for (const name of leaving) rows.delete(name);
  let isNew = leaving.length > 0 || rows.size !== before;
  for (const row of changed) {
    const known = rows.get(row.name);
    if (known !== undefined) known.value = row;
    else {
      rows.set(row.name, signal(row));
      isNew = true;
    }
  }
  if (isNew) names.value = [...rows.keys()].sort();
  if (isNew || changed.length > 0) revision.value++;
  board.value = rest;
}
