import { describe, expect, it } from "vitest";
import { messageKeyProblems, readMessageKey } from "../../../runtime/metadata/message-key.ts";

describe("a message's key in metadata", () => {
  it.each([{ wildcard: 0 }, { header: "Tenant-Id" }, { field: "tenant.id" }, { field: "a b.0" }])(
    "may be %j",
    (raw) => {
      expect(readMessageKey(raw)).toEqual({ value: raw });
    },
  );

  it.each([
    [{ $function: true }, /must be one of \{ wildcard: 0 \}.*received a function/],
    ["tenant", /must be one of/],
    [null, /must be one of/],
    [[], /must be one of/],
    [{}, /must be one of/],
    [{ wildcard: 0, field: "a" }, /must be one of/],
    [{ token: 0 }, /must be one of/],
    [{ wildcard: -1 }, /has a wildcard that must be a whole number from 0 to 31; received -1/],
    [{ header: "two words" }, /has a header that must be the name of a header/],
    [{ field: "a..b" }, /has a field that must be the names on the way to a field/],
    [{ field: "" }, /has a field that/],
  ])("may not be %j", (raw, text) => {
    expect(readMessageKey(raw)).toEqual({ problem: expect.stringMatching(text) });
  });

  const told = (
    key: Parameters<typeof messageKeyProblems>[0],
    subjects: string[],
    payload: "json" | "bytes" = "json",
  ) => messageKeyProblems(key, ["batch", "key"], { subjects, payload });

  it("goes with every subject that has the wildcard, and with JSON", () => {
    expect(told({ wildcard: 1 }, ["a.*.*", "b.*.>"])).toEqual([]);
    expect(told({ field: "a" }, ["a"])).toEqual([]);
    expect(told({ header: "a" }, ["a"], "bytes")).toEqual([]);
    expect(told(undefined, ["a"])).toEqual([]);
  });

  it("does not go with a subject that lacks the wildcard, nor as a field with bytes", () => {
    expect(told({ wildcard: 1 }, ["a.*.*", "b.*"])).toEqual([
      {
        path: ["batch", "key"],
        message: 'must name a wildcard of the subject, from 0 on; "b.*" has 1, received 1',
      },
    ]);
    expect(told({ field: "a" }, ["a"], "bytes")).toEqual([
      {
        path: ["batch", "key"],
        message: 'can be a field of JSON only, and payload is "bytes": use a wildcard or a header',
      },
    ]);
  });
});
