import { describe, expect, it } from "vitest";
import { OFFICIAL_RELEASES, OLDEST_SUPPORTED, releasePlatform } from "../../../runtime/dev-server/official-releases.ts";
import { compareVersions, isOlder } from "../../../runtime/dev-server/version-order.ts";

describe("official releases", () => {
  it.each([
    ["linux", "x64", "linux-amd64", "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92"],
    ["linux", "arm64", "linux-arm64", "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112"],
    ["darwin", "x64", "darwin-amd64", "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95"],
    ["darwin", "arm64", "darwin-arm64", "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8"],
  ])("%s on %s has a supported one, by its checksum", (platform, arch, name, sha256) => {
    expect(releasePlatform(platform, arch)).toBe(name);
    const pin = OFFICIAL_RELEASES.pins[name];
    expect(pin).toEqual({ version: "2.15.0", sha256 });
    expect(isOlder(pin?.version ?? "", OLDEST_SUPPORTED)).toBe(false);
  });

  it("every checksum is one", () => {
    for (const { sha256 } of Object.values(OFFICIAL_RELEASES.pins)) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    const all = Object.values(OFFICIAL_RELEASES.pins).map(({ sha256 }) => sha256);
    expect(new Set(all).size).toBe(all.length);
  });

  it("a processor without a release has none", () => {
    expect(releasePlatform("linux", "riscv64")).toBeUndefined();
  });
});

it("versions are compared as numbers, part by part", () => {
  const sorted = ["2.15.0", "2.9.10", "2.10.27", "2.9.9", "10.0.0"].sort(compareVersions);
  expect(sorted).toEqual(["2.9.9", "2.9.10", "2.10.27", "2.15.0", "10.0.0"]);
  expect(isOlder("2.15.0", "2.15.0")).toBe(false);
});
