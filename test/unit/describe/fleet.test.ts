import { describe, expect, it } from "vitest";
import { type FleetHandler, fleetBreaks } from "../../../runtime/describe/fleet.ts";

const TEXT = { schema: { type: "string" } };
const NUMBER = { schema: { type: "number" } };
const UNKNOWN = { problem: "cannot be described" };

function handler(app: string, name: string, more: Partial<FleetHandler> = {}): FleetHandler {
  return { app, name, kind: "event", subjects: [], envelope: "none", publishes: [], contract: undefined, ...more };
}

const sends = (app: string, name: string, schema: typeof TEXT | typeof UNKNOWN, replies?: typeof TEXT) =>
  handler(app, name, {
    publishes: ["shop.order"],
    contract: { publishes: [{ subject: "shop.order", schema, ...(replies && { replies }) }] },
  });
const takes = (app: string, name: string, schema: typeof TEXT | typeof UNKNOWN, more: Partial<FleetHandler> = {}) =>
  handler(app, name, { subjects: ["shop.*"], contract: { takes: schema, publishes: [] }, ...more });
const answers = (schema: typeof TEXT) =>
  handler("shop", "price", { kind: "request", subjects: ["shop.order"], contract: { replies: schema, publishes: [] } });

/** The fleet before, and the one after a deployment of "shop". */
const breaks = (before: readonly FleetHandler[], after: readonly FleetHandler[]) =>
  fleetBreaks(before, after, "shop").map(({ app, handler, does, rule, other }) => [
    `${handler} of ${app} ${does}`,
    rule,
    `${other.handler} of ${other.app}`,
  ]);

describe("the fleet that a change breaks", () => {
  const crm = sends("crm", "sync", TEXT);
  const audit = takes("crm", "audit", TEXT);

  it("names who publishes what is refused now", () => {
    expect(breaks([crm, takes("shop", "save", TEXT)], [crm, takes("shop", "save", NUMBER)])).toEqual([
      ["sync of crm publishes", "type", "save of shop"],
    ]);
  });

  it("names who takes what is sent otherwise now", () => {
    expect(breaks([audit, sends("shop", "sell", TEXT)], [audit, sends("shop", "sell", NUMBER)])).toEqual([
      ["audit of crm takes", "type", "sell of shop"],
    ]);
  });

  it("names who asks and reads another reply", () => {
    const ask = sends("crm", "ask", TEXT, TEXT);
    expect(breaks([ask, answers(TEXT)], [ask, answers(NUMBER)])).toEqual([
      ["ask of crm requests", "type", "price of shop"],
    ]);
  });

  it("does not name what did not fit before, and does for an app that is new", () => {
    const [save, saved] = [takes("shop", "save", NUMBER), takes("shop", "save", NUMBER, { subjects: ["shop.order"] })];
    expect(breaks([crm, save], [crm, saved])).toEqual([]);
    expect(breaks([crm], [crm, saved])).toEqual([["sync of crm publishes", "type", "save of shop"]]);
  });

  it("does not name handlers of the app that change together, and does where one stays behind", () => {
    const before = [sends("shop", "sell", TEXT), takes("shop", "save", TEXT)];
    expect(breaks(before, [sends("shop", "sell", NUMBER), takes("shop", "save", NUMBER)])).toEqual([]);
    expect(breaks(before, [sends("shop", "sell", NUMBER), takes("shop", "save", TEXT)])).toEqual([
      ["save of shop takes", "type", "sell of shop"],
    ]);
  });

  it("names each once where two of its versions run", () => {
    expect(breaks([crm, crm, takes("shop", "save", TEXT)], [crm, crm, takes("shop", "save", NUMBER)])).toHaveLength(1);
  });

  it("says nothing where one side declares no schema, or one that cannot be described", () => {
    const save = takes("shop", "save", NUMBER);
    expect(breaks([], [sends("crm", "sync", UNKNOWN), save])).toEqual([]);
    expect(breaks([], [handler("crm", "sync", { publishes: ["shop.order"] }), save])).toEqual([]);
    expect(breaks([], [crm, takes("shop", "save", UNKNOWN)])).toEqual([]);
  });

  it("names who asks what nobody answers any more, unless another app does", () => {
    const ask = sends("crm", "ask", TEXT);
    const removed = [["ask of crm requests", "removed", "price of shop"]];
    expect(breaks([ask, answers(TEXT)], [ask])).toEqual(removed);
    expect(breaks([ask, answers(TEXT)], [ask, { ...answers(TEXT), kind: "event" }])).toEqual(removed);
    expect(breaks([ask, answers(TEXT)], [ask, { ...answers(TEXT), app: "mall" }])).toEqual([]);
  });

  it("names who takes what nobody publishes any more, unless another app does", () => {
    const sell = sends("shop", "sell", TEXT);
    expect(breaks([audit, sell], [audit])).toEqual([["audit of crm takes", "removed", "sell of shop"]]);
    expect(breaks([audit, sell], [audit, crm])).toEqual([]);
  });

  it("does not name who publishes what one subscriber fewer takes", () => {
    expect(breaks([crm, takes("shop", "save", TEXT)], [crm])).toEqual([]);
  });

  it("names who publishes to a handler of another envelope", () => {
    const nest = takes("shop", "save", TEXT, { envelope: "nest" });
    expect(breaks([crm, takes("shop", "save", TEXT)], [crm, nest])).toEqual([
      ["sync of crm publishes", "envelope", "save of shop"],
    ]);
    expect(breaks([crm, nest], [crm, nest])).toEqual([]);
    expect(breaks([crm], [crm, nest])).toEqual([]);
  });
});
