import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readMessages } from "nats-handlers/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeMessageFile } from "../../runtime/message-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "message-file-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const written = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")) as object;

describe("a message as a file", () => {
  it.each([
    ["JSON", Buffer.from('{"id":1,"at":[]}'), { data: { id: 1, at: [] } }],
    ["JSON that is written otherwise", Buffer.from('{ "id": 1.0 }'), { text: '{ "id": 1.0 }' }],
    ["a number too large for JavaScript", Buffer.from("12345678901234567890"), { text: "12345678901234567890" }],
    ["JSON null", Buffer.from("null"), { data: null }],
    ["text", Buffer.from("größer"), { text: "größer" }],
    ["nothing", Buffer.alloc(0), { text: "" }],
    ["bytes", Buffer.from([0xff, 0x00]), { base64: "/wA=" }],
  ])("gives back the same bytes: %s", (_what, payload, content) => {
    const headers = { a: ["1", "2"] };
    const name = writeMessageFile(folder, { subject: "orders.placed", headers, payload });
    expect(written(name)).toEqual({ subject: "orders.placed", headers, ...content });
    const [read] = readMessages(join(folder, name));
    expect(read).toMatchObject({ file: "orders.placed-0001.json", subject: "orders.placed", headers });
    expect(Buffer.from(read!.payload)).toEqual(payload);
  });

  it("is never written over, and a folder is read in the order of its names", () => {
    const write = (subject: string) => writeMessageFile(folder, { subject, headers: {}, payload: Buffer.from("1") });
    const names = [write("b"), write("a.b"), write("b")];
    expect(names).toEqual(["b-0001.json", "a.b-0001.json", "b-0002.json"]);
    writeFileSync(join(folder, "notes.txt"), "no message");
    expect(readMessages(pathToFileURL(folder)).map(({ file }) => file)).toEqual([
      "a.b-0001.json",
      "b-0001.json",
      "b-0002.json",
    ]);
  });

  it("has a name that every disk takes, whatever its subject", () => {
    const name = writeMessageFile(folder, {
      subject: `$../ü/${"x".repeat(500)}`,
      headers: {},
      payload: Buffer.from("1"),
    });
    expect(name).toMatch(/^_\.\.___x+-0001\.json$/);
    expect(name.length).toBeLessThan(140);
  });

  it.each([
    ["{", /is no message: .*JSON/],
    ["null", /it has no `subject`/],
    ['{"data":1}', /it has no `subject`/],
    ['{"subject":"a"}', /it needs one of `data`, `text` and `base64`/],
    ['{"subject":"a","data":1,"text":"1"}', /it needs one of/],
    ['{"subject":"a","text":1}', /it needs one of/],
    ['{"subject":"a","data":1,"headers":{"a":"b"}}', /`headers` must be lists of texts/],
  ])("that is none is named: %s", (text, why) => {
    const file = join(folder, "odd.json");
    writeFileSync(file, text);
    expect(() => readMessages(file)).toThrow(why);
    expect(() => readMessages(folder)).toThrow(file);
  });
});
