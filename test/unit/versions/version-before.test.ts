import { describe, expect, it } from "vitest";
import type { KeptVersion } from "../../../runtime/versions/kept-version.ts";
import { versionToServeFirst } from "../../../runtime/versions/version-before.ts";
import { metadataOf } from "./kept.ts";

const CANARY = { percent: 10, messages: 100, tolerance: 5 };

const kept = (version: string, canary: typeof CANARY | undefined = CANARY): KeptVersion => {
  const metadata = { ...metadataOf(), ...(canary === undefined ? {} : { canary }) };
  return { version, servedMs: 1, made: "sources", runtime: "", metadata, digest: version, parts: 1, bytes: 1 };
};

const first = (all: readonly KeptVersion[], ledAwayFrom: readonly string[] = []) =>
  versionToServeFirst(all, "v3", ledAwayFrom)?.version;

describe("which version serves first where a replica starts with a new one", () => {
  it("is the newest that is kept, where that asks for a canary", () => {
    expect(first([kept("v2"), kept("v1")])).toBe("v2");
    expect(versionToServeFirst([{ ...kept("v2"), metadata: metadataOf() }, kept("v1")], "v3", [])).toBeUndefined();
    expect(first([])).toBeUndefined();
  });

  it("is none where its own is kept: it has served before", () => {
    expect(first([kept("v2"), kept("v3")])).toBeUndefined();
  });

  it("is none that nobody is to serve", () => {
    expect(first([kept("v2"), kept("v1")], ["v2"])).toBe("v1");
  });
});
