// What a line of a handler's log carries, whatever is in it.

import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { LogRecord } from "../../../runtime/wire/log-record.ts";
import { FrameReader, FrameType, jsonBody } from "../../../runtime/wire/protocol.ts";
import { Link } from "../../../runtime/worker/link.ts";
import { createLog } from "../../../runtime/worker/log.ts";

/** The record that reaches the supervisor. */
function logged(...given: unknown[]): LogRecord {
  const link = new Link({ writable: false, writableLength: 0 } as Socket);
  const records: LogRecord[] = [];
  const reader = new FrameReader((type, bytes, start, end) => {
    expect(type).toBe(FrameType.log);
    records.push(jsonBody(bytes, start, end));
  });
  createLog(link, () => ({ id: "s.1", attempt: 2 })).info(...given);
  link.out.flush((batch) => {
    reader.push(batch);
    return true;
  });
  expect(records).toHaveLength(1);
  return records[0]!;
}

test("a line carries its message, its fields and the delivery it belongs to", () => {
  expect(logged({ row: 1 }, "saved")).toEqual({
    level: "info",
    id: "s.1",
    attempt: 2,
    message: "saved",
    fields: { row: 1 },
  });
  expect(logged("two", "words", 3)).toMatchObject({ message: "two words 3" });
});

test("an identifier that is a bigint is logged as one", () => {
  expect(logged({ id: 12n, deep: [{ id: 9_007_199_254_740_993n }] }, "row").fields).toEqual({
    id: "12n",
    deep: [{ id: "9007199254740993n" }],
  });
  expect(logged("row", 12n).message).toBe('row "12n"');
});

test("a field that throws, or goes in a circle, costs itself alone", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const fields = {
    before: 1,
    get broken() {
      throw new Error("not connected");
    },
    circle,
    json: {
      toJSON() {
        throw new Error("no JSON today");
      },
    },
    after: 2,
  };
  expect(logged(fields, "row").fields).toEqual({
    before: 1,
    broken: "(cannot be read: not connected)",
    circle: "(cannot be written as JSON)",
    json: "(cannot be written as JSON)",
    after: 2,
  });
});

test("nothing that is logged throws", () => {
  const refuse = () => {
    throw new Error("hands off");
  };
  for (const trap of ["get", "getPrototypeOf", "ownKeys", "has"] as const) {
    const hostile = new Proxy(new Error("inside"), { [trap]: refuse });
    expect(logged(hostile).level, trap).toBe("info");
    expect(logged({ hostile }, "row").level, trap).toBe("info");
    expect(logged("row", hostile).level, trap).toBe("info");
  }
  expect(logged("row", Object.create(null), Symbol("s")).message).toBe("row {} Symbol(s)");
});

test("an error among words is told by its name and message", () => {
  expect(logged("failed:", new TypeError("no card")).message).toBe("failed: TypeError: no card");
  expect(logged({ err: new TypeError("no card") }, "failed").fields).toMatchObject({ err: { message: "no card" } });
});
