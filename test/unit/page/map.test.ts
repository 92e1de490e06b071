import { describe, expect, it } from "vitest";
import type { HandlerRow } from "../../../runtime/page/answers.ts";
import { mapGraph } from "../../../runtime/page/client/map-graph.ts";
import { placesOf } from "../../../runtime/page/client/map-layout.ts";

function row(name: string, more: Partial<HandlerRow> = {}): HandlerRow {
  return {
    ...{ name, state: "serving", tone: "good", file: `handlers/${name}.ts`, replicas: 1, inState: 1, versions: [] },
    ...{ inFlight: 0, queued: 0, handled: 0, failed: 0, rate: 0, failRate: 0, p50Ms: 0, p99Ms: 0, off: [], holds: [] },
    rolledBack: [],
    canary: [],
    ...{ publishes: [], ...more },
  };
}

const NOTHING = { seen: new Map<string, readonly string[]>(), open: new Set<string>() };

function linesOf(rows: readonly HandlerRow[], wish: Partial<typeof NOTHING> = {}): string[] {
  return mapGraph(rows, { ...NOTHING, ...wish }).edges.map(
    ({ from, to, isSaid }) => `${from} ${isSaid ? "-->" : "->"} ${to}`,
  );
}

describe("the map", () => {
  it("leads from subjects to who takes them, and on to what those say that they publish", () => {
    const rows = [
      row("save", { subject: "todo.new", publishes: ["todo.saved"] }),
      row("tidy", { subject: "todo.saved", tone: "off" }),
      row("audit", { subject: "todo.>" }),
    ];
    expect(linesOf(rows)).toEqual([
      "subject todo.new -> handler save",
      "subject todo.saved -> handler tidy",
      "subject todo.> -> handler audit",
      "handler save --> subject todo.saved",
      "handler save --> subject todo.>",
    ]);
  });

  it("G1: shows what was seen as seen, and what nobody takes or publishes as that", () => {
    const rows = [row("save", { subject: "a.*", publishes: ["b.*"] })];
    const seen = new Map([["save", ["b.1", "c"]]]);
    expect(linesOf(rows, { seen })).toContain("handler save -> subject b.*");
    expect(linesOf(rows, { seen })).toContain("handler save -> subject c");
    const { nodes } = mapGraph(rows, { ...NOTHING, seen });
    expect(nodes.map(({ text, lacks }) => [text, lacks])).toEqual([
      ["save", undefined],
      ["a.*", "publisher"],
      ["b.*", "taker"],
      ["c", "taker"],
    ]);
  });

  it("joins what is published with wildcards to all who may take it", () => {
    const rows = [
      row("a", { subject: "x", publishes: ["orders.*.placed"] }),
      row("b", { subject: "orders.eu.placed" }),
    ];
    expect(linesOf(rows)).toContain("handler a --> subject orders.eu.placed");
  });

  it("G2: of many handlers shows their folders, the worst of each, and opens those that are wished for", () => {
    const rows = Array.from({ length: 1_000 }, (_, at) =>
      row(`team${at % 20}/h${at}`, { subject: `s.${at}`, rate: 1, pending: 2, tone: at === 21 ? "bad" : "good" }),
    );
    const { nodes, edges } = mapGraph(rows, NOTHING);
    expect([nodes.length, edges.length]).toEqual([40, 20]);
    expect(nodes.find(({ text }) => text === "team1/")).toMatchObject({
      tone: "bad",
      count: 50,
      rate: 50,
      waiting: 100,
    });
    const opened = mapGraph(rows, { ...NOTHING, open: new Set(["team1"]) });
    expect(opened.nodes.length).toBe(38 + 100);
    expect(opened.nodes.find(({ text }) => text === "team1/h21")).toMatchObject({ tone: "bad" });
  });

  it("G2: closes also what lies in no folder", () => {
    const rows = Array.from({ length: 50 }, (_, at) => row(`h${at}`, { subject: `s.${at}` }));
    expect(mapGraph(rows, NOTHING).nodes.map(({ text }) => text)).toEqual(["./", "50 subjects"]);
    expect(mapGraph(rows, { ...NOTHING, open: new Set(["."]) }).nodes).toHaveLength(100);
  });

  it("joins publishers of folders that are closed, and makes nothing of a name that means ill", () => {
    const rows = Array.from({ length: 50 }, (_, at) =>
      row(`a/h${at}`, { subject: `s.${at}`, publishes: ["__proto__"] }),
    );
    expect(linesOf([...rows, row("__proto__", { subject: "__proto__" })])).toEqual([
      "subjects a -> folder a",
      "subject __proto__ -> handler __proto__",
      "folder a --> subject __proto__",
    ]);
  });
});

describe("places on the map", () => {
  const link = (from: string, to: string) => ({ from, to });

  it("are each to the right of all that leads to it", () => {
    const links = [link("a", "b"), link("b", "c"), link("a", "c"), link("c", "d")];
    const places = placesOf(["d", "c", "b", "a"], links);
    expect(["a", "b", "c", "d"].map((key) => places.get(key)?.layer)).toEqual([0, 1, 2, 3]);
  });

  it("L1: are found in circles too, also in one that leads to itself", () => {
    const links = [link("a", "b"), link("b", "c"), link("c", "a"), link("d", "d"), link("x", "b")];
    const places = placesOf(["a", "b", "c", "d", "x"], links);
    expect(places.size).toBe(5);
    expect(links.filter(({ from, to }) => places.get(to)!.layer > places.get(from)!.layer).length).toBeGreaterThan(2);
  });

  it("L2: are apart from each other, and without crossings where that can be", () => {
    const keys = Array.from({ length: 2_000 }, (_, at) => (at < 1_000 ? `s${at}` : `h${1_999 - at}`));
    const places = placesOf(
      keys,
      Array.from({ length: 1_000 }, (_, at) => link(`s${at}`, `h${at}`)),
    );
    const taken = new Set([...places.values()].map(({ layer, row: at }) => `${layer} ${at}`));
    expect(taken.size).toBe(2_000);
    const straight = Array.from({ length: 1_000 }, (_, at) => places.get(`s${at}`)?.row === places.get(`h${at}`)?.row);
    expect(straight.every(Boolean)).toBe(true);
  });
});
