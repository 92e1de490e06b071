import { describe, expect, it } from "vitest";
import {
  type KeptVersion,
  keptText,
  readKept,
  versionBefore,
  versionCalled,
  withServed,
} from "../../../runtime/versions/kept-version.ts";
import { kept } from "./kept.ts";

const names = (list: readonly KeptVersion[]) => list.map(({ version }) => version);

describe("the versions that are kept of a handler", () => {
  it("the newest comes first, and what is too old goes", () => {
    const { kept: list, dropped } = withServed([kept("b"), kept("a")], kept("c", 3), 2);
    expect(names(list)).toEqual(["c", "b"]);
    expect(names(dropped)).toEqual(["a"]);
  });

  it("one that is deployed again is the newest again, with the program that is there (K1)", () => {
    const { kept: list, dropped } = withServed([kept("b"), kept("a")], { ...kept("a", 5), digest: "" }, 2);
    expect(list).toEqual([kept("a", 5), kept("b")]);
    expect(dropped).toEqual([]);
  });

  it("are read as they were written; what is unreadable counts as none", () => {
    expect(readKept(keptText([kept("a")]))).toEqual([kept("a")]);
    for (const text of ["", "{}", "[]", '{"kept":[{"version":1}]}']) expect(readKept(text)).toEqual([]);
  });
});

describe("the version before", () => {
  const list = [kept("c"), kept("b"), kept("a")];

  it.each([
    ["the newest serves", ["c"], "b"],
    ["a rollback is rolled back once more", ["b"], "a"],
    ["a deployment is on its way: before the newer one", ["b", "c"], "b"],
    ["the newer one has never stayed up, so it is not kept", ["new"], "c"],
    ["the newer one does not come up, and replicas before it go on", ["c", "new"], "c"],
    ["there is none", ["a"], undefined],
  ])("%s", (_, serving, expected) => {
    expect(versionBefore(list, serving)?.version).toBe(expected);
  });
});

describe("a version that somebody names", () => {
  it("may be told by its beginning, when only one begins so", () => {
    const list = [kept("abc1"), kept("abd2")];
    expect(versionCalled(list, "abc")).toEqual(list[0]);
    expect(versionCalled(list, "ab")).toBe("ambiguous");
    expect(versionCalled(list, "x")).toBeUndefined();
  });
});
