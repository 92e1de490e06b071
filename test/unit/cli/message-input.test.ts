import { describe, expect, it } from "vitest";
import { readHeaders, readPayload } from "../../../runtime/cli/message-input.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const textOf = async (...given: Parameters<typeof readPayload>) =>
  new TextDecoder().decode(await readPayload(...given));

describe("the payload", () => {
  it("is sent byte for byte as it was written", async () => {
    expect(await textOf('{ "id":  1 }', {}, fakeTerminal())).toBe('{ "id":  1 }');
  });

  it("is read from stdin for a dash, and empty when none is given", async () => {
    expect(await textOf("-", {}, fakeTerminal({ input: "[1]\n" }))).toBe("[1]\n");
    expect(await textOf(undefined, {}, fakeTerminal({ input: "[1]" }))).toBe("");
  });

  it("must be JSON unless it is raw", async () => {
    await expect(readPayload("hello", {}, fakeTerminal())).rejects.toMatchObject({ code: "USAGE" });
    expect(await textOf("hello", { raw: true }, fakeTerminal())).toBe("hello");
  });
});

describe("headers", () => {
  it("are NAME=VALUE or NAME: VALUE; the value may hold either sign; a repeated name has several values", () => {
    const headers = readHeaders(["a=b=c", "Trace: x:y", "a=d", "empty="]);
    expect(headers?.values("a")).toEqual(["b=c", "d"]);
    expect(headers?.get("Trace")).toBe("x:y");
    expect(headers?.has("empty")).toBe(true);
  });

  it("are absent when none is given", () => expect(readHeaders([])).toBeUndefined());

  it.each(["nameless", "=x", "two words=x", "größe=x", "a=line\nbreak"])("%j is refused", (word) => {
    expect(() => readHeaders([word])).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
