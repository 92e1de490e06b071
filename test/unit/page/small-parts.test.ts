// The pure parts of the page's server: rights, payloads, groups of letters, rates, rows.

import { describe, expect, it } from "vitest";
import type { ReportedHandler } from "../../../runtime/control/control-protocol.ts";
import { summarize } from "../../../runtime/control/summary.ts";
import { placeIn } from "../../../runtime/dead-letters/letter-place.ts";
import { rowOf } from "../../../runtime/page/board.ts";
import { groupKey, groupsOf } from "../../../runtime/page/letter-groups.ts";
import { logEntry } from "../../../runtime/page/log-entry.ts";
import { headerView, hiddenView, payloadView } from "../../../runtime/page/payload-view.ts";
import { RateMeter } from "../../../runtime/page/rates.ts";
import { ACTIONS, readRights } from "../../../runtime/page/rights.ts";
import { assertSubject, send } from "../../../runtime/page/send.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("rights", () => {
  it("are all there are, those that are named, or none", () => {
    expect([...readRights({})]).toEqual([...ACTIONS]);
    expect([...readRights({ allow: "disable, redrive" })]).toEqual(["disable", "redrive"]);
    expect([...readRights({ readOnly: true })]).toEqual([]);
  });

  it("refuse a word that is none, and both ways of saying it", () => {
    expect(() => readRights({ allow: "disable,delete" })).toThrow(/no action "delete"/);
    expect(() => readRights({ allow: "disable", readOnly: true })).toThrow(/exclude each other/);
  });
});

describe("a payload", () => {
  it("is laid out as JSON, with what is named a secret hidden at any depth", () => {
    const deep = `${"[".repeat(20)}{"api_key":"k"}${"]".repeat(20)}`;
    const view = payloadView(bytes(`{"user":"ana","password":"geheim","url":"nats://u:p@host","deep":${deep}}`));
    expect(view).toMatchObject({ kind: "json", masked: true });
    expect(view.text).toContain('"user": "ana"');
    expect(view.text).not.toMatch(/geheim|u:p@|"k"/);
  });

  it("is as it was sent where nothing is hidden: long numbers, __proto__, markup", () => {
    const view = payloadView(bytes('{"n":1.50,"__proto__":{"a":1},"html":"<img src=x onerror=alert(1)>"}'));
    expect(view.masked).toBe(false);
    expect(view.text).toContain('"__proto__": {');
    expect(view.text).toContain("<img src=x onerror=alert(1)>");
  });

  it("that is text loses passwords in URLs, and one that is neither is shown in hexadecimal", () => {
    expect(payloadView(bytes("see nats://u:p@host"))).toMatchObject({ kind: "text", text: "see nats://***@host" });
    expect(payloadView(Uint8Array.of(0xff, 0x00))).toMatchObject({ kind: "binary", text: "ff00", bytes: 2 });
    expect(payloadView(new Uint8Array(0))).toMatchObject({ kind: "empty", text: "" });
  });

  it("is cut, and one that is not to be seen is only counted", () => {
    const long = payloadView(bytes("x".repeat(100_000)));
    expect([long.text.length, long.cut, long.bytes]).toEqual([65_536, true, 100_000]);
    expect(hiddenView(bytes("geheim"))).toEqual({ bytes: 6, kind: "hidden", text: "", cut: false, masked: false });
  });

  it("has headers whose secrets are hidden", () => {
    expect(headerView(["X-Api-Key", "k"])).toEqual(["X-Api-Key", "***"]);
    expect(headerView(["Trace", "1"])).toEqual(["Trace", "1"]);
  });
});

describe("letters", () => {
  const letter = { id: 1, handler: "a", reason: "threw", subject: "s", attempts: 1, redriven: 0 } as const;
  const row = (id: number, message: string, place?: string) => ({
    ...letter,
    id,
    message,
    place,
    lastFailedAtMs: id * 10,
    version: "v",
  });

  it("fall together when only ids, numbers and quoted words differ, and apart by place", () => {
    const one = row(3, 'no item 12 "milk" 6f9619ff-8b86-4d01-b42d-00cf4fc964ff', "h.ts:1:2");
    const other = row(2, 'no item 7 "bread" 00000000-8b86-4d01-b42d-00cf4fc964ff', "h.ts:1:2");
    const elsewhere = row(1, 'no item 7 "bread" 00000000-8b86-4d01-b42d-00cf4fc964ff', "h.ts:9:2");
    expect(groupKey(one)).toBe(groupKey(other));
    const [first, second] = groupsOf([one, other, elsewhere]);
    expect(first).toMatchObject({ count: 2, firstAtMs: 20, lastAtMs: 30, message: one.message, versions: ["v"] });
    expect(second).toMatchObject({ count: 1, place: "h.ts:9:2" });
  });

  it.each([
    [
      "Error: x\n    at node:internal/a:1:1\n    at f (/p/node_modules/z/i.js:1:1)\n    at save (/p/handlers/a.ts:3:9)",
      "/p/handlers/a.ts:3:9",
    ],
    ["Error: x\n    at async file:///p/handlers/a.ts:3:9", "/p/handlers/a.ts:3:9"],
    ["Error: x\n    at /p/handlers/a.ts:3:9", "/p/handlers/a.ts:3:9"],
    ["Error: x", undefined],
    [undefined, undefined],
  ])("have the author's line of %j", (stack, place) => {
    expect(placeIn(stack)).toBe(place);
  });
});

describe("a rate", () => {
  it("is that of the last seconds, failures among it, and begins anew with the counts", () => {
    const meter = new RateMeter();
    expect(meter.look("a", { handled: 100, failed: 0 }, 0)).toEqual({ rate: 0, failRate: 0 });
    expect(meter.look("a", { handled: 110, failed: 2 }, 1_000)).toEqual({ rate: 12, failRate: 2 });
    for (let at = 2; at <= 20; at++) meter.look("a", { handled: 110, failed: 2 }, at * 1_000);
    expect(meter.look("a", { handled: 110, failed: 2 }, 21_000)).toEqual({ rate: 0, failRate: 0 });
    expect(meter.look("a", { handled: 5, failed: 0 }, 22_000)).toEqual({ rate: 0, failRate: 0 });
    expect(meter.look("a", { handled: 6, failed: 0 }, 23_000)).toEqual({ rate: 1, failRate: 0 });
  });
});

describe("a row", () => {
  const replica = { instance: "i", host: "h", pid: 1, startedAtMs: 0 };
  const handler = {
    ...{ name: "a", file: "a.ts", inFlight: 0, queued: 0, handled: 0, failed: 0, p50Ms: 0, p99Ms: 0, durations: [] },
    ...{ reloads: 0, restarts: 0, pids: [] },
  };
  const row = (more: object) => {
    const [summary] = summarize([{ replica, handlers: [{ ...handler, state: "serving", ...more }] }]);
    return rowOf(summary!, { rate: 0, failRate: 0 });
  };

  it("has the tone of its state; one that is held is stuck, whatever its state says", () => {
    expect(row({}).tone).toBe("good");
    expect(row({ state: "quarantined" }).tone).toBe("bad");
    const hold = { reason: "paused", text: "paused", remedy: "Resume it.", sinceMs: 1 };
    expect(row({ holds: [hold] })).toMatchObject({ tone: "stuck", holds: [{ text: "paused", onReplicas: 1 }] });
  });

  it("says how a version does that is tried, of each replica", () => {
    const figures = (handled: number) => ({ own: { handled, failed: 1 }, before: { handled: 9 * handled, failed: 0 } });
    const canary = (handled: number) => ({ version: "v2", percent: 10, messages: 100, pids: [], ...figures(handled) });
    expect(row({}).canary).toEqual([]);
    const told = (handled: number) =>
      `tries v2 on 10 %: ${handled} of 100 messages, 1 failed; of the others 0 of ${9 * handled} failed`;
    const handlers = [20, 30].map((handled) => ({ ...handler, state: "serving", canary: canary(handled) }));
    const [summary] = summarize(handlers.map((one) => ({ replica, handlers: [one as ReportedHandler] })));
    expect(rowOf(summary!, { rate: 0, failRate: 0 }).canary).toEqual([told(20), told(30)]);
  });

  it("says who rolled it back, and whether that version serves", () => {
    const rollback = { to: "v0", from: ["v1"], by: "ana", reason: "slow", sinceMs: 5 };
    const note = { from: "v1", to: "v0", by: "ana", reason: "slow", sinceMs: 5, onReplicas: 1 };
    expect(row({}).rolledBack).toEqual([]);
    expect(row({ version: "v0", ownVersion: "v1", rollback }).rolledBack).toEqual([{ ...note, serves: true }]);
    expect(row({ version: "v1", rollback }).rolledBack).toEqual([{ ...note, from: undefined, serves: false }]);
  });

  it("says who turned it off, and shows an error that is both failure and last error once", () => {
    const disabled = { source: "operator", by: "ana", reason: "slow", sinceMs: 5, untilMs: 9 };
    expect(row({ state: "disabled", disabled }).off).toEqual([{ ...disabled, onReplicas: 1 }]);
    const error = { code: "BUNDLE_FAILED", message: "no", place: "a.ts:1" };
    expect(row({ state: "failed", lastFailure: error, lastError: { ...error, atMs: 3 } }).lastError).toMatchObject({
      atMs: 3,
    });
  });
});

describe("a line of the log", () => {
  const line = { replica: "r", timeMs: 1, level: "info", handler: "a", text: "saw it" };

  it("has the author's fields, and none of ours", () => {
    const fields = { event: "handler.log", version: "v", item: 3 };
    expect(logEntry({ ...line, fields })).toMatchObject({ text: "saw it", fields: '{"item":3}', frame: undefined });
  });

  it("that tells of an error has code, place and frame", () => {
    const fields = {
      event: "delivery.failed",
      code: "HANDLER_THREW",
      place: "a.ts:1",
      frame: "> 1 | x",
      stack: "long",
    };
    expect(logEntry({ ...line, fields })).toMatchObject({
      text: "HANDLER_THREW: saw it (a.ts:1)",
      fields: "",
      frame: "> 1 | x",
    });
  });
});

describe("sending", () => {
  it.each(["näme", "name with spaces", "a:b", ""])(
    "refuses the header name %j before anything is sent",
    async (name) => {
      const desk = { app: "shop" } as Parameters<typeof send>[0];
      const request = { subject: "a.b", payload: "{}", headers: [[name, "a"]] as const, ask: false, raw: false };
      const watch = { ready: () => Promise.reject(new Error("asked")), note: () => {} };
      await expect(send(desk, request, watch)).rejects.toMatchObject({ code: "USAGE" });
    },
  );

  it.each([
    "$JS.API.STREAM.DELETE.TODO",
    "_HANDLERS.shop.invoke",
    "_INBOX.x",
    "redrive.shop.a",
    "dlq.shop.a",
    "later.shop.1.2",
  ])("%s is not sent to: it would be a way around what is not allowed", (subject) => {
    expect(() => assertSubject(subject, "shop")).toThrow(/nothing is sent there|belong to the NATS server/);
  });

  it("any subject of the app's world is, and none with a wildcard", () => {
    for (const subject of ["shop.order", "redrive.other.a", "dlq.other", "later"])
      expect(() => assertSubject(subject, "shop")).not.toThrow();
    expect(() => assertSubject("shop.*", "shop")).toThrow(/the subject/);
  });
});
