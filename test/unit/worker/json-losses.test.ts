// What JSON would drop without a word is told by name.

import { expect, test } from "vitest";
import { encodePayload, NotSerializableError } from "../../../runtime/worker/encode-payload.ts";

const textOf = (value: unknown) => new TextDecoder().decode(encodePayload(value, "the returned value"));

test.each([
  ["a Map", new Map([[1, 2]])],
  ["a Set", new Set([1])],
  ["a Promise", Promise.resolve(1)],
  ["a Response", new Response("hello")],
  ["a Headers", new Headers({ a: "b" })],
  ["a URLSearchParams", new URLSearchParams("a=b")],
  ["a Blob", new Blob(["hello"])],
  ["an ArrayBuffer", new ArrayBuffer(8)],
  ["a DataView", new DataView(new ArrayBuffer(8))],
  ["a Float32Array", new Float32Array(2)],
  ["a RegExp", /a/],
  ["an Error", new Error("no card")],
  ["a TypeError", Object.assign(new TypeError("no card"), { code: "NO_CARD" })],
  ["a Generator", (function* () {})()],
])("%s is refused by its name", (name, value) => {
  expect(() => textOf(value)).toThrow(
    new NotSerializableError(`the returned value is ${name}, which JSON cannot carry`),
  );
});

test("so is one that lies deeper, by its place", () => {
  expect(() => textOf({ order: { tags: [1, new Set(["a"])] } })).toThrow(
    'the returned value holds a Set at "order.tags.1", which JSON cannot carry',
  );
});

test("what is empty, writes itself, or is a class of the author's is JSON", () => {
  class Ping {}
  class Money {
    toJSON() {
      return {};
    }
  }
  const values = [
    {},
    [{}],
    { a: {} },
    Object.create(null),
    new Ping(),
    new Money(),
    new Date(0),
    "{}",
    { s: new String("{}") },
  ];
  for (const value of values) expect(textOf(value)).toBe(JSON.stringify(value));
  class Failure extends Error {
    toJSON() {
      return { failed: this.message };
    }
  }
  expect(textOf(new Failure("no card"))).toBe('{"failed":"no card"}');
});

test("what toJSON throws is told, even when it is no error", () => {
  const throwing = (thrown: unknown) => ({
    toJSON() {
      throw thrown;
    },
  });
  expect(() => textOf(throwing(new Error("not loaded")))).toThrow("cannot be written as JSON: not loaded");
  expect(() => textOf(throwing(null))).toThrow("cannot be written as JSON: threw null, which is not an Error");
});
