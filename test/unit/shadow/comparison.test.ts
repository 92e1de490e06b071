import { describe, expect, it } from "vitest";
import { Comparison } from "../../../runtime/shadow/comparison.ts";
import { differencesBetween } from "../../../runtime/shadow/differences.ts";
import type { Seen, SeenCall } from "../../../runtime/shadow/seen.ts";
import { alike } from "../../../runtime/shadow/shape.ts";

function seen(change: Partial<Seen> = {}): Seen {
  return { outcome: "returned", error: "", reply: undefined, replies: [], calls: [], logs: [], tookMs: 1, ...change };
}

function publish(subject: string, data: unknown): SeenCall {
  return { kind: "publish", subject, data, headers: {}, leaves: null };
}

const line = (message: string, fields: object = {}) => ({ level: "info", message, fields });
const whats = (before: Seen, after: Seen) => differencesBetween(before, after).map(({ what }) => what);

describe("what two runs of a message did differently", () => {
  it("is nothing when both did the same", () => {
    const run = seen({ calls: [publish("a", { b: [1, { c: 2 }] })], logs: [line("x", { y: 1 })] });
    expect(differencesBetween(run, structuredClone(run))).toEqual([]);
  });

  it("is how it ended, with the error, and the error alone where both failed", () => {
    const threw = seen({ outcome: "threw", error: "no stock" });
    expect(differencesBetween(seen(), threw)).toEqual([
      { what: "outcome: returned → threw", before: "returned", after: "threw (no stock)" },
    ]);
    expect(whats(threw, { ...threw, error: "no money" })).toEqual(["outcome threw: error"]);
  });

  it("is not also what a run did not come to, since it failed where the other did not", () => {
    const [a, b] = [publish("a", 1), publish("b", 2)];
    const whole = seen({ calls: [a, b], logs: [line("done")], reply: 1 });
    const broken = seen({ outcome: "threw", error: "no", calls: [{ ...a, data: 3 }] });
    expect(whats(whole, broken)).toEqual(["outcome: returned → threw", "publish a: data"]);
    expect(whats(broken, whole)).toEqual(["outcome: threw → returned", "publish a: data"]);
  });

  it("is named by subject and path, the same for every element of a list", () => {
    const before = seen({ calls: [publish("orders.billed", { lines: [{ cents: 1 }, { cents: 2 }], note: "a" })] });
    const after = seen({ calls: [publish("orders.billed", { lines: [{ cents: 3 }, { cents: 4 }] })] });
    const path = "publish orders.billed: data.lines[].cents";
    expect(whats(before, after)).toEqual([path, path, "publish orders.billed: data.note"]);
  });

  it("is a publish more or less, wherever in the run, and the others stay what they are", () => {
    const [a, b] = [publish("a", 1), publish("b", 2)];
    expect(whats(seen({ calls: [a, b] }), seen({ calls: [b] }))).toEqual(["publish a: missing"]);
    expect(whats(seen({ calls: [b] }), seen({ calls: [a, b] }))).toEqual(["publish a: added"]);
    expect(whats(seen({ calls: [a] }), seen({ calls: [b] }))).toContain("publish: subject");
  });

  it("is when a publish leaves, a header, a request instead of a publish", () => {
    const one = publish("a", 1);
    expect(whats(seen({ calls: [one] }), seen({ calls: [{ ...one, leaves: "after 5 ms" }] }))).toEqual([
      "publish a: leaves",
    ]);
    const headed = { ...one, headers: { Region: "eu" } };
    expect(whats(seen({ calls: [one] }), seen({ calls: [headed] }))).toEqual(["publish a: headers.Region"]);
    expect(whats(seen({ calls: [one] }), seen({ calls: [{ ...one, kind: "request" }] }))).toEqual(["kind of call"]);
  });

  it("is a line of the log, known by its text whatever numbers are in it", () => {
    const before = seen({ logs: [line("begun"), line("saved 12 items", { ms: 1 })] });
    const after = seen({ logs: [line("saved 13 items", { ms: 1 }), line("done")] });
    expect(whats(before, after)).toEqual([
      'log info "begun": missing',
      'log info "saved # items": text',
      'log info "done": added',
    ]);
  });
});

describe("values that are alike", () => {
  it.each([
    ["order 6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "order 11111111-8b86-4d01-b42d-00cf4fc964ff", true],
    ["took 12.5 ms", "took 9 ms", true],
    ["V1StGXR8_Z5jdHi6B-myT", "4f90d13a42kd93kfia02s", true],
    ["accepted", "rejected", false],
    [1, 2, true],
    [1, "1", false],
    [null, undefined, false],
  ])("%j and %j: %j", (one, other, expected) => expect(alike(one, other)).toBe(expected));
});

describe("a comparison", () => {
  it("counts messages, not places, and shows the first of them", () => {
    const comparison = new Comparison();
    const [old, made] = [seen({ reply: [{ n: 1 }, { n: 2 }] }), seen({ reply: [{ n: 3 }, { n: 4 }] })];
    for (let at = 1; at <= 5; at++) comparison.add(at, old, old, at === 1 ? old : made);
    expect(comparison.result()).toMatchObject({
      messages: 5,
      differing: 4,
      differences: [{ what: "reply[].n", messages: 4, examples: [{ sequence: 2, before: "1", after: "3" }, {}, {}] }],
    });
  });

  it("leaves out what the version before does differently by itself, also where both its runs happen to agree", () => {
    const comparison = new Comparison();
    const at = (state: string) => seen({ reply: { state } });
    comparison.add(1, at("red"), at("green"), at("blue"));
    comparison.add(2, at("red"), at("red"), at("green"));
    expect(comparison.result()).toMatchObject({ differences: [], differing: 0, noise: ["reply.state"] });
  });

  it("still sees a text change whose numbers alone are noise", () => {
    const comparison = new Comparison();
    const at = (message: string) => seen({ error: message, outcome: "threw" });
    comparison.add(
      1,
      at("no item 17, asked at 1001"),
      at("no item 17, asked at 1002"),
      at("no item 17, asked at 1003"),
    );
    comparison.add(2, at("no item 18, asked at 1001"), at("no item 18, asked at 1002"), at("not for sale"));
    const { differences, differing } = comparison.result();
    expect(differences).toMatchObject([{ what: "outcome threw: error", messages: 1, examples: [{ sequence: 2 }] }]);
    expect(differing).toBe(1);
  });

  it("counts apart the messages on which the version before ends one way and then another", () => {
    const comparison = new Comparison();
    comparison.add(1, seen(), seen({ outcome: "threw", error: "unlucky" }), seen());
    comparison.add(2, seen(), seen(), seen({ outcome: "threw", error: "broken" }));
    expect(comparison.result()).toMatchObject({ unsteady: 1, differing: 1, differences: [{ messages: 1 }] });
  });

  it("cuts values, and tells how long the runs took", () => {
    const comparison = new Comparison();
    for (let at = 1; at <= 100; at++) {
      comparison.add(at, seen({ tookMs: at }), seen(), seen({ tookMs: 2 * at, reply: "x".repeat(10_000) }));
    }
    const { took, differences } = comparison.result();
    expect(took).toEqual({ before: { p50Ms: 51, p95Ms: 96 }, after: { p50Ms: 102, p95Ms: 192 } });
    expect(differences[0]?.examples[0]?.after).toHaveLength(160);
  });
});
