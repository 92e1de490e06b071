// What the browser is given: how much it is, and its pure parts.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { HandlerRow } from "../../../runtime/page/answers.ts";
import { bundleClient } from "../../../runtime/page/bundle-client.ts";
import { EventReader } from "../../../runtime/page/client/event-stream.ts";
import { handlerHref, lettersHref, messageHref, routeOf } from "../../../runtime/page/client/route.ts";
import { foldersOf, isMeant, takersOf } from "../../../runtime/page/client/tree.ts";
import {
  bytesText,
  msText,
  offText,
  rollbackText,
  shortPlace,
  stateText,
  whyText,
} from "../../../runtime/page/client/words.ts";
import { spanText } from "../../../runtime/terminal/time-text.ts";

const CLIENT = fileURLToPath(new URL("../../../runtime/page/client/", import.meta.url));
const FIRST_LOAD_BYTES = 60_000;

function row(name: string, more: Partial<HandlerRow> = {}): HandlerRow {
  return {
    ...{
      name,
      state: "serving",
      tone: "good",
      file: `handlers/${name}.ts`,
      replicas: 1,
      inState: 1,
      versions: [],
      publishes: [],
    },
    ...{ inFlight: 0, queued: 0, handled: 0, failed: 0, rate: 0, failRate: 0, p50Ms: 0, p99Ms: 0, off: [], holds: [] },
    rolledBack: [],
    canary: [],
    ...more,
  };
}

describe("the bundle", () => {
  it("is at most 60 KB gzipped at the first load, and has no code that a strict policy refuses", async () => {
    const { html, js, css, icon } = await bundleClient();
    const gzipped = [html, js, css, icon].reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
    expect(gzipped).toBeGreaterThan(5_000);
    expect(gzipped).toBeLessThan(FIRST_LOAD_BYTES);
    expect(js).not.toMatch(/\beval\(|new Function\(/);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\bon\w+=|<style/);
  });

  it("is made of sources that put nothing in as HTML", () => {
    const files = readdirSync(CLIENT, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
    const wrong = files.filter((file) =>
      /innerHTML|outerHTML|insertAdjacent|document\.write/i.test(readFileSync(join(CLIENT, file), "utf8")),
    );
    expect(files.length).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  });
});

describe("addresses", () => {
  it("lead to what they name, whatever the name is", () => {
    for (const name of ["todo/save", "a", "x/y/z", "__proto__", "50%"])
      expect(routeOf(handlerHref(name))).toEqual({ view: "handler", name });
    expect(routeOf("/")).toEqual({ view: "handlers" });
    expect(routeOf("/letters/12")).toEqual({ view: "letter", id: 12 });
    expect(routeOf("/letters")).toEqual({ view: "letters" });
    expect(routeOf(messageHref("a1-7"))).toEqual({ view: "message", key: "a1-7" });
    for (const view of ["messages", "map", "way", "streams", "send"]) expect(routeOf(`/${view}`)).toEqual({ view });
    for (const path of ["/letters/x", "/letters/0", "/nothing", "/send/x", "/map/x"])
      expect(routeOf(path)).toEqual({ view: "missing", path });
    expect(routeOf("/handlers/%E0%A4%A")).toEqual({ view: "handler", name: "%E0%A4%A" });
  });

  it("have in them what is filtered for, and nothing else", () => {
    expect(lettersHref({ handler: "a b", q: "", group: undefined })).toBe("/letters?handler=a+b");
    expect(lettersHref()).toBe("/letters");
  });
});

it("events are read in whatever pieces they come", () => {
  const text = 'event: board\ndata: {"a":1}\n\n: still here\n\nevent: log\ndata: one\ndata: two\n\n';
  for (const size of [1, 3, 7, 1_000]) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...reader.read(text.slice(at, at + size)));
    expect(events).toEqual([
      { event: "board", data: '{"a":1}' },
      { event: "log", data: "one\ntwo" },
    ]);
  }
});

describe("the list", () => {
  const rows = [
    row("todo/save", { tone: "bad", state: "failed", rate: 2, failed: 3, pending: 4 }),
    row("todo/list", { subject: "todo.list", kind: "request" }),
    row("top", { tone: "off", state: "disabled" }),
  ];

  it("sums its folders, and counts who needs somebody", () => {
    const [beside, todo] = foldersOf(rows);
    expect(beside).toMatchObject({ name: "", off: 1, troubled: 0 });
    expect(todo).toMatchObject({ name: "todo", rate: 2, failed: 3, pending: 4, troubled: 1 });
  });

  it("finds by words in any order, of name, subject, kind and state", () => {
    const found = (words: string, show: "all" | "trouble" | "off" = "all") =>
      rows.filter(isMeant({ words, show })).map(({ name }) => name);
    expect(found("LIST request")).toEqual(["todo/list"]);
    expect(found("failed")).toEqual(["todo/save"]);
    expect(found("", "trouble")).toEqual(["todo/save"]);
    expect(found("", "off")).toEqual(["top"]);
    expect(found("todo nothing")).toEqual([]);
  });

  it("knows who takes a subject", () => {
    const taking = ["a.*", "a.>", "a.b", ">", "a", "a.b.c"].map((subject) =>
      row(subject, { subjects: ["x.y", subject] }),
    );
    const names = (subject: string) => takersOf(taking, subject).map(({ name }) => name);
    expect(names("a.b")).toEqual(["a.*", "a.>", "a.b", ">"]);
    expect(names("a")).toEqual([">", "a"]);
  });
});

describe("words", () => {
  it("say times and sizes as a glance needs them", () => {
    expect([0, 99_000, 100_000, 6_000_000, 200_000_000].map(spanText)).toEqual(["0 s", "99 s", "2 min", "2 h", "2 d"]);
    expect([0, 999, 1_500, 2_500_000].map(bytesText)).toEqual(["0 B", "999 B", "1.5 kB", "2.5 MB"]);
    expect([0, 0.4, 12.3, 12_000].map(msText)).toEqual(["0 ms", "0.4 ms", "12 ms", "12 s"]);
  });

  it("say why a handler is off, and where", () => {
    const off = { source: "operator", by: "ana@host", reason: "slow", sinceMs: 1_000, onReplicas: 1 };
    expect(offText(off, 61_000, 2)).toBe("disabled by ana@host 60 s ago: slow, on 1 of 2 replicas");
    expect(offText({ ...off, source: "env", reason: "", onReplicas: 2 }, 0, 2)).toBe(
      "disabled by the environment (HANDLERS_DISABLED)",
    );
    const failure = { code: "BUNDLE_FAILED", message: "no\nmore", place: "a.ts:1" };
    expect(whyText(row("a", { tone: "bad", lastFailure: failure }), 0)).toBe("BUNDLE_FAILED: no (a.ts:1)");
    expect(whyText(row("a", { lastError: failure }), 0)).toBe("");
    const served = [{ version: "0123456789ab", replicas: 1 }];
    expect(whyText(row("a", { versions: served, lastFailure: failure }), 0)).toBe(
      "BUNDLE_FAILED: no (a.ts:1). Version 01234567 goes on serving",
    );
    const lastError = { code: "HANDLER_THREW", message: "no", atMs: 100_000 };
    expect(whyText(row("a", { lastError }), 130_000)).toBe("failed 30 s ago: HANDLER_THREW: no");
    expect(whyText(row("a", { lastError }), 230_000)).toBe("");
    expect(stateText(row("a", { state: "failed", inState: 1, replicas: 3 }))).toBe("failed 1 of 3");
  });

  it("say from which version to which a handler is rolled back, by whom and why, whatever else there is to say", () => {
    const [from, to] = ["1a2b3c4d5e6f", "9f8e7d6c5b4a"];
    const note = { from, to, by: "ana@host", reason: "bills twice", sinceMs: 1_000, serves: true, onReplicas: 1 };
    const told = "rolled back from 1a2b3c4d to 9f8e7d6c by ana@host 60 s ago: bills twice";
    expect(rollbackText(note, 61_000, 1)).toBe(told);
    expect(rollbackText({ ...note, from: undefined, reason: "", serves: false }, 61_000, 2)).toBe(
      "rolled back from its own version to 9f8e7d6c, which does not serve, by ana@host 60 s ago, on 1 of 2 replicas",
    );
    expect(whyText(row("a", { rolledBack: [note] }), 61_000)).toBe(told);
    const lastError = { code: "HANDLER_THREW", message: "no", atMs: 31_000 };
    expect(whyText(row("a", { rolledBack: [note], lastError }), 61_000)).toBe(
      `failed 30 s ago: HANDLER_THREW: no · ${told}`,
    );
  });

  it("one whose last save did not come up is in trouble, though what was before serves", () => {
    const lastFailure = { code: "BUNDLE_FAILED", message: "no" };
    const found = [row("a"), row("b", { lastFailure })].filter(isMeant({ words: "", show: "trouble" }));
    expect(found.map(({ name }) => name)).toEqual(["b"]);
  });

  it("shorten a place to what tells it apart", () => {
    expect(shortPlace("/srv/app/handlers/todo/save.ts:3:9")).toBe("handlers/todo/save.ts:3:9");
    expect(shortPlace("/srv/app/lib/x.ts:3:9")).toBe("lib/x.ts:3:9");
  });
});
