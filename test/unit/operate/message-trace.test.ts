import { describe, expect, it } from "vitest";
import { knowsTracing, type ServerTrace, traceOf } from "../../../runtime/operate/message-trace.ts";

const ROUTER = 1;
const CLIENT = 0;

function said(by: string, events: ServerTrace["events"], hop?: string): ServerTrace {
  return {
    server: { name: by },
    request: { header: hop === undefined ? {} : { "Nats-Trace-Hop": [hop] } },
    events: events!,
  };
}

const goesOn = (hop: string) => ({ type: "eg", kind: ROUTER, name: "other", hop });
const LISTENER = { type: "eg", kind: CLIENT, name: "app/1", sub: "a.*", queue: "app.h" };

describe("what servers say of a message", () => {
  it("counts clients and streams of all of them; other servers on the way are none", () => {
    const first = said("one", [{ type: "in", kind: CLIENT, name: "me" }, goesOn("1"), { type: "js", stream: "S" }]);
    const second = said("two", [LISTENER, { type: "js", stream: "S" }], "1");
    expect(traceOf([second, first])).toEqual({
      listeners: [{ client: "app/1", subject: "a.*", group: "app.h" }],
      streams: ["S"],
      problems: [],
    });
  });

  it("tells of what was kept from going on, and of servers that have not answered", () => {
    const old = { type: "eg", kind: ROUTER, name: "two", hop: "3", error: "does not support tracing" };
    expect(traceOf([said("one", [old, goesOn("1"), goesOn("2")]), said("three", null, "2")])).toEqual({
      listeners: [],
      streams: [],
      problems: ["one to two: does not support tracing", "1 of the servers that it would go on to have not answered"],
    });
  });
});

it.each([
  ["2.9.10", false],
  ["2.10.27", false],
  ["2.11.0", true],
  ["2.15.1", true],
  ["2.12.0-dev", true],
  ["3.0.0", true],
  ["", false],
])("nats-server %s can trace a message: %s", (version, expected) => {
  expect(knowsTracing(version)).toBe(expected);
});
