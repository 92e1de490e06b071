import { expect, it } from "vitest";
import type { ReportedHandler, StatusReply } from "../../../runtime/control/control-protocol.ts";
import { bucketsOf, leftBehind, pausedForMs, pendingOf } from "../../../runtime/operate/kept-messages.ts";
import type { AppDurable } from "../../../runtime/streams/left-durables.ts";

function durable(filter: string, waiting: number, changes: Partial<AppDurable> = {}): AppDurable {
  return {
    stream: "T",
    durable: `app-h-${filter}`,
    handler: "h",
    filter,
    waiting,
    settledTo: 0,
    deliveredTo: 0,
    oneAtATime: false,
    isPartition: false,
    ...changes,
  };
}

function reply(said: Partial<ReportedHandler>): StatusReply {
  return { replica: { instance: "i" }, handlers: [{ name: "h", ...said }] } as unknown as StatusReply;
}

const REDRIVES = durable("redrive.app.h", 7, { stream: "REDRIVE_app" });
const durables = [durable("t.a", 5), durable("t.b", 2, { pausedForMs: 900 }), REDRIVES];
const kept = (...replies: StatusReply[]) => ({ app: "app", durables, replies });
const filters = (...replies: StatusReply[]) => leftBehind(kept(...replies)).map(({ filter }) => filter);

it("what waits for a handler is of the subjects that its replicas take, and the rest is left behind", () => {
  const one = reply({ kind: "durable", subject: "t.b" });
  expect(pendingOf(["h", "other"], kept(one))).toEqual(new Map([["h", 2]]));
  expect(filters(one)).toEqual(["t.a"]);
});

it("replicas of two versions take from both", () => {
  const both = [reply({ kind: "durable", subject: "t.a" }), reply({ kind: "durable", subject: "t.b" })];
  expect(pendingOf(["h"], kept(...both))).toEqual(new Map([["h", 7]]));
  expect(filters(...both)).toEqual([]);
});

it("of a handler that no version has said anything of, all waits, and nothing is left behind", () => {
  const off = reply({});
  expect(pendingOf(["h"], kept(off))).toEqual(new Map([["h", 7]]));
  expect(filters(off, reply({ kind: "durable", subject: "t.a" }))).toEqual([]);
  expect(pausedForMs("h", kept(off))).toBe(900);
});

it("a handler that is an event handler now takes its redrives alone", () => {
  expect(filters(reply({ kind: "event", subject: "t.a" }))).toEqual(["t.a", "t.b"]);
});

it("what handlers take of buckets is in these buckets' streams, and no others are looked through", () => {
  const users = reply({ kind: "durable", subjects: ["$KV.users.a.*", "$KV.users.b"] });
  expect(bucketsOf([users, users, reply({ kind: "durable", subjects: ["$O.photos.M.>"] })])).toEqual([
    "KV_users",
    "OBJ_photos",
  ]);
  expect(bucketsOf([reply({ kind: "durable", subject: "t.a" })])).toEqual([]);
});
