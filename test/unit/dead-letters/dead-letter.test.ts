import { headers as createHeaders } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import {
  asciiSafe,
  type DeadLetter,
  encodeLetter,
  encodeReplay,
  letterSubject,
  locateParts,
  readLetter,
  redriveHeaders,
  redriveSubject,
} from "../../../runtime/dead-letters/dead-letter.ts";
import { encodeHeaders } from "../../../runtime/message/header-block.ts";

const letter: DeadLetter = {
  id: "dlq:app:todo/save:TODO:7:1795456942614",
  handler: "todo/save",
  version: "abc",
  reason: "threw",
  message: "größer als 100 %\nzweite Zeile",
  stack: "Error: x\n    at a (b.ts:1:2)",
  subject: "todo.new",
  stream: "TODO",
  sequence: 7,
  storedAtMs: 1_795_456_942_614,
  attempts: 5,
  firstFailedAtMs: 1_000_000,
  lastFailedAtMs: 2_000_000,
  instance: "i1",
  redriven: 0,
  headers: encodeHeaders([
    ["X-Colour", "red"],
    ["X-Colour", "blue"],
    ["Nats-Msg-Id", "id"],
    ["Dead-Letter-Handler", "of an earlier letter"],
    ["traceparent", "00-a-b-01"],
  ]),
  data: Buffer.from("payload"),
};

describe("a letter", () => {
  it("says everything it was told, also beyond ASCII and over lines", () => {
    const { headers, data, apart } = encodeLetter(letter, 1_000_000);
    const { id: _id, data: _data, headers: _headers, ...rest } = letter;
    expect(readLetter(headers)).toMatchObject({ ...rest, body: "here" });
    expect([apart, Buffer.from(data).toString()]).toEqual([{}, "payload"]);
    for (const [, values] of headers) for (const value of values) expect(value).toMatch(/^[\x20-\x7e]*$/);
  });

  it("keeps headers that the client would not write, and passes them on", () => {
    const foreign = [
      ["name with spaces", "a"],
      ["näme", "one\ntwo"],
    ] as const;
    const { headers } = encodeLetter({ ...letter, headers: encodeHeaders(foreign) }, 1_000_000);
    expect(readLetter(headers)?.headers).toEqual(foreign);
    expect(readLetter(redriveHeaders(headers))).toMatchObject({ headers: foreign, redriven: 1 });
    const [place, times] = [
      { subject: "s", stream: "S", sequence: 1 },
      { storedAtMs: 1, replayedAtMs: 2 },
    ];
    const again = encodeReplay({ ...place, ...times, handler: "h", headers, data: Buffer.from("") }, 1_000_000);
    expect(readLetter(again?.headers)?.headers).toEqual([...foreign, ["Handlers-Replayed", expect.any(String)]]);
  });

  it("keeps the original headers without those of the server and of earlier letters", () => {
    const { headers } = encodeLetter(letter, 1_000_000);
    expect(headers.has("Nats-Msg-Id")).toBe(false);
    expect(headers.get("Dead-Letter-Handler")).toBe("todo/save");
    expect(readLetter(headers)!.headers).toEqual([
      ["X-Colour", "red"],
      ["X-Colour", "blue"],
      ["traceparent", "00-a-b-01"],
    ]);
  });

  it("says of a key that is gone in the words of clients what the server's marker says", () => {
    const block = encodeHeaders([
      ["Nats-Marker-Reason", "MaxAge"],
      ["Nats-Rollup", "sub"],
    ]);
    const { headers } = encodeLetter({ ...letter, stream: "KV_users", headers: block }, 1_000_000);
    expect(readLetter(headers)!.headers).toEqual([["KV-Operation", "PURGE"]]);
  });

  it("too large for the server has its payload apart, and its stack here", () => {
    const long = { ...letter, stack: "s".repeat(9_000), data: Buffer.alloc(9_500) };
    expect(encodeLetter(long, 20_000).apart).toEqual({});
    const { headers, data, apart } = encodeLetter(long, 10_000);
    expect([data.length, apart]).toEqual([0, { payload: long.data }]);
    locateParts(headers, { payload: 11 });
    expect(readLetter(headers)).toMatchObject({ body: "apart", parts: { payload: 11, headers: undefined } });
    expect(readLetter(headers)!.stack).toHaveLength(8_192);
    expect(readLetter(headers)!.headers).toHaveLength(3);
  });

  it("whose headers fill what the server takes has those apart too", () => {
    const wide = { ...letter, headers: encodeHeaders([["X-Long", "y".repeat(9_900)]]), data: Buffer.from("text") };
    const { headers, data, apart } = encodeLetter(wide, 10_000);
    expect([data.length, apart]).toEqual([0, { payload: wide.data, headers: wide.headers }]);
    locateParts(headers, { payload: 11, headers: 12 });
    expect(readLetter(headers)).toMatchObject({ headers: [], parts: { payload: 11, headers: 12 }, reason: "threw" });
  });

  it("is counted once more with every redrive", () => {
    const once = redriveHeaders(encodeLetter(letter, 1_000_000).headers);
    expect(readLetter(once)).toMatchObject({ redriven: 1, attempts: 5, subject: "todo.new" });
    expect(readLetter(redriveHeaders(once))).toMatchObject({ redriven: 2 });
  });

  it("is not seen in headers that are none", () => {
    expect(readLetter(undefined)).toBeUndefined();
    expect(readLetter(createHeaders())).toBeUndefined();
  });
});

it("header values are plain ASCII and can be read back", () => {
  for (const text of ["a b", " a ", "100 %", "ä\r\nß", "🙂", "\u0000"]) {
    expect(asciiSafe(text)).toMatch(/^(?! )[\x20-\x7e]*(?<! )$/);
    expect(decodeURIComponent(asciiSafe(text))).toBe(text);
  }
  expect(asciiSafe("\ud800")).toBe("%EF%BF%BD");
});

it("subjects name the handler by its folders", () => {
  expect(letterSubject("app", "todo/save")).toBe("dlq.app.todo.save");
  expect(redriveSubject("app", "todo/save")).toBe("redrive.app.todo.save");
});

describe("a stored message on its way to its handler again", () => {
  const headers = createHeaders();
  for (const [name, value] of [
    ["X-Colour", "red"],
    ["Nats-Msg-Id", "id"],
    ["handlers-replayed", "2020-01-01T00:00:00.000Z"],
  ] as const) {
    headers.append(name, value);
  }
  const place = {
    handler: "todo/save",
    subject: "todo.new",
    stream: "TODO",
    sequence: 7,
    storedAtMs: 1_795_456_942_614,
  };
  const stored = { ...place, replayedAtMs: 2_000_000, headers, data: Buffer.from("payload") };

  it("is read as a letter that nobody has failed, with its own headers and when it was replayed", () => {
    const { headers: sent, data } = encodeReplay(stored, 1_000_000)!;
    expect(data).toBe(stored.data);
    expect(readLetter(sent)).toMatchObject({
      ...place,
      attempts: 0,
      redriven: 0,
      body: "here",
      headers: [
        ["X-Colour", "red"],
        ["Handlers-Replayed", "1970-01-01T00:33:20.000Z"],
      ],
    });
  });

  it("says that a key is gone, also where the server had said so", () => {
    const marked = createHeaders();
    marked.set("Nats-Marker-Reason", "Remove");
    const { headers: sent } = encodeReplay({ ...stored, stream: "KV_users", headers: marked }, 1_000_000)!;
    expect(readLetter(sent)!.headers).toContainEqual(["KV-Operation", "DEL"]);
  });

  it("stays in its stream when it fills what the server takes, and is not sent when its headers do", () => {
    const large = { ...stored, data: Buffer.alloc(4_000) };
    const { headers: sent, data } = encodeReplay(large, 4_500)!;
    expect(data).toHaveLength(0);
    expect(readLetter(sent)).toMatchObject({ ...place, body: "in-stream" });
    headers.append("X-Large", "x".repeat(4_000));
    expect(encodeReplay(large, 4_500)).toBeUndefined();
  });
});
