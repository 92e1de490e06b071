import { describe, expect, it } from "vitest";
import type { HandlerRow } from "../../../runtime/page/answers.ts";
import { wayRows, waySentence } from "../../../runtime/page/client/way-rows.ts";
import type { MadeByCall, Run, Sighting } from "../../../runtime/page/message-watch.ts";
import { fits, messageRow, showMessage } from "../../../runtime/page/read-messages.ts";
import { wayOf } from "../../../runtime/page/way.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
let number = 0;

function run(handler: string, id: string, more: Partial<Run> = {}): Run {
  const about = {
    replica: "r1",
    number: ++number,
    atMs: 1_000,
    handler,
    id,
    version: "v1",
    subject: "a.b",
    origin: id,
  };
  const how = { attempt: 1, outcome: "returned", tookMs: 5, waitedMs: 1, headers: [], payload: { bytes: 0 } } as const;
  return { kind: "run", ...about, ...how, ...more };
}

function call(handler: string, id: string, origin: string, more: Partial<MadeByCall> = {}): MadeByCall {
  const about = { replica: "r1", number: ++number, atMs: 1_000, handler, id, origin };
  return { kind: "call", ...about, verb: "publish", subject: "b.c", payload: { bytes: 2 }, ...more };
}

function known(name: string, subject: string, more: Partial<HandlerRow> = {}) {
  return { name, subject, kind: "durable", state: "serving", tone: "good", off: [], holds: [], ...more } as const;
}

const THREW = { outcome: "threw", error: { code: "HANDLER_THREW", message: "no mongodb://u:pw@h\nmore" } } as const;

describe("messages", () => {
  it("are filtered by handler, outcome and words, in headers and payload too", () => {
    const payload = { bytes: 20, data: base64(`{"item":"Milk","password":"geheim"}`) };
    const one = run("save", "S:1", { headers: [["x-user", "Ana"]], payload, ...THREW });
    const isFound = (filter: Parameters<typeof fits>[0]) => fits(filter)(one);
    for (const filter of [{}, { handler: "save" }, { outcome: "failed" }, { outcome: "threw" }])
      expect(isFound(filter)).toBe(true);
    for (const words of ["MILK", "x-user: ana", "s:1", "a.b", "no mongodb"]) expect(isFound({ words })).toBe(true);
    for (const filter of [{ handler: "other" }, { outcome: "returned" }, { words: "bread" }])
      expect(isFound(filter)).toBe(false);
  });

  it("are not found by a secret, which is not shown either", () => {
    const payload = { bytes: 20, data: base64(`{"password":"geheim"}`) };
    const one = run("save", "S:1", { payload, headers: [["authorization", "Bearer geheim"]], ...THREW });
    expect(fits({ words: "geheim" })(one)).toBe(false);
    expect(fits({ words: "u:pw" })(one)).toBe(false);
    expect(messageRow(one).problem).toBe("no mongodb://***@h");
    expect(JSON.stringify(showMessage("r1-1", [{ ...one, number: 1 }], true))).not.toMatch(/geheim|pw@/);
  });

  it("have a secret hidden in a payload of which only the beginning is there", () => {
    const data = base64(`{"token":"geheim","text":"${"ü".repeat(10)}`).slice(0, 40);
    const shown = showMessage("r1-1", [run("a", "1", { number: 1, payload: { bytes: 9_999, data } })], true);
    expect(shown?.payload).toMatchObject({ bytes: 9_999, kind: "text", cut: true, masked: true });
    expect(shown?.payload.text).toContain(`"token":"***"`);
  });

  it("open with their log lines, publishes, other attempts and reply", () => {
    const first = run("save", "S:1", { ...THREW, atMs: 900, retryInMs: 50, number: 1 });
    const second = run("save", "S:1", { attempt: 2, number: 2, reply: { bytes: 2, data: base64("[]") } });
    const line = (attempt: number, text: string): Sighting => ({
      ...{ kind: "line", replica: "r1", number: 10 + attempt, atMs: 950, handler: "save", id: "S:1" },
      ...{ attempt, level: "info", text },
    });
    const all = [first, line(1, "one"), line(2, "two"), call("save", "S:1", "c1"), call("save", "S:1", "c1"), second];
    const other = [run("save", "S:2"), call("other", "S:1", "c2")];
    const shown = showMessage("r1-2", [...all, ...other], true);
    expect(shown?.lines.map(({ text }) => text)).toEqual(["two"]);
    expect(shown?.calls.map(({ origin }) => origin)).toEqual(["c1"]);
    expect(shown?.attempts.map(({ attempt, tone }) => [attempt, tone])).toEqual([
      [1, "coming"],
      [2, "good"],
    ]);
    expect(shown?.reply?.text).toBe("[]");
    expect(showMessage("r1-2", all, false)?.reply).toMatchObject({ kind: "hidden", bytes: 2, text: "" });
    expect(showMessage("r9-2", all, true)).toBeUndefined();
  });
});

describe("the way of a message", () => {
  const sent = call("", "", "sent:1", { subject: "a.b", atMs: 900, replica: "page" });
  const save = run("save", "S:1", { origin: "sent:1", atMs: 910 });
  const told = call("save", "S:1", "save:S:1:1:b.c", { atMs: 908 });
  const tidy = run("tidy", "S:2", { origin: told.origin, subject: "b.c", atMs: 930 });
  const board = [known("save", "a.b"), known("tidy", "b.c")];

  it("leads from what was sent through all that came of it, from wherever in it one asks", () => {
    for (const asked of ["sent:1", told.origin]) {
      const way = wayOf(asked, [tidy, told, save, sent], board);
      expect(way?.tree).toMatchObject({ asked, fromMs: 900, untilMs: 930, open: false });
      expect(way?.tree.root).toMatchObject({
        subject: "a.b",
        atMs: 900,
        absent: [],
        takers: [
          {
            handler: "save",
            state: "done",
            made: [{ subject: "b.c", by: "save", takers: [{ handler: "tidy", state: "done" }] }],
          },
        ],
      });
      expect(waySentence({ ...way!.tree }, 2_000)).toBe("Done after 30 ms.");
    }
  });

  it("says what waits, and until when, and what was given up", () => {
    const fails = { ...tidy, ...THREW, retryInMs: 5_000 };
    const waits = wayOf("sent:1", [sent, save, told, fails], board)!.tree;
    expect(waits).toMatchObject({ open: true });
    expect(waySentence(waits, 1_000)).toBe("So far 30 ms: tidy runs again in 5 s.");
    const { retryInMs: _none, ...last } = fails;
    const gone = wayOf("sent:1", [sent, save, told, fails, { ...last, attempt: 2, atMs: 6_000 }], board)!.tree;
    expect(gone.open).toBe(false);
    expect(waySentence(gone, 7_000)).toBe("So far 5100 ms: tidy has given up.");
  });

  it("W2: says who has not been seen to take it, and why, where it is known when it was published", () => {
    const off = [{ source: "operator", by: "ana", reason: "doubles", sinceMs: 0, onReplicas: 1 }];
    const way = wayOf("sent:1", [sent, save, told], [known("save", "a.b"), known("tidy", "b.>", { off })])!.tree;
    expect(waySentence(way, 1_000)).toBe("So far 10 ms: tidy is disabled by ana: doubles.");
    // From outside: nothing says that somebody has not taken it.
    expect(wayOf("S:9", [run("save", "S:9")], [known("other", "a.b")])?.tree.root.absent).toEqual([]);
  });

  it("is undefined where nothing is known, and ends where handlers feed each other in a circle", () => {
    expect(wayOf("none", [sent], board)).toBeUndefined();
    const circle = [
      run("a", "1", { origin: "x" }),
      call("a", "1", "y"),
      run("b", "2", { origin: "y" }),
      call("b", "2", "x"),
    ];
    const way = wayOf("x", circle, [])!.tree;
    expect(wayRows(way).rows.length).toBeLessThan(10);
  });

  it("takes up what belongs to it, and nothing else", () => {
    const way = wayOf("sent:1", [sent, save], board)!;
    expect([save, told].map(way.touches)).toEqual([true, true]);
    expect([tidy, run("save", "S:7")].map(way.touches)).toEqual([false, false]);
  });

  it("is drawn on one axis, a wait until the next attempt included", () => {
    const fails = { ...save, ...THREW, retryInMs: 90, waitedMs: 0 };
    const { rows, fromMs, untilMs } = wayRows(wayOf("sent:1", [sent, fails], [])!.tree);
    expect([fromMs, untilMs]).toEqual([900, 1_000]);
    const taker = rows.find(({ kind }) => kind === "taker");
    expect(taker).toMatchObject({ bars: [{}, { from: 0.05, length: 0.05 }, { from: 0.1, length: 0.9, isWait: true }] });
  });
});
