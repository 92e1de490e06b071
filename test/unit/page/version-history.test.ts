// What each version of a handler did to its failures, as far as somebody looked.

import { expect, it } from "vitest";
import { VersionHistory } from "../../../runtime/page/version-history.ts";

function looked(
  ...replicas: readonly (readonly [instance: string, version: string, handled: number, failed: number])[]
) {
  return {
    name: "a",
    replicas: replicas.map(([instance, version, handled, failed]) => ({
      replica: { instance, startedAtMs: 500 },
      handler: { version, reloads: version === "v1" ? 0 : 1, handled, failed },
    })),
  };
}

it("charges each version with what its replicas counted while it served, whatever was before the first look", () => {
  const history = new VersionHistory();
  history.look(looked(["r1", "v1", 100, 7], ["r2", "v1", 50, 0]), 1_000);
  history.look(looked(["r1", "v1", 110, 7], ["r2", "v1", 55, 1]), 2_000);
  history.look(looked(["r1", "v2", 112, 17], ["r2", "v1", 60, 1]), 3_000);
  expect(history.of("a")).toEqual([
    { version: "v2", fromMs: 3_000, untilMs: 3_000, came: "save", cameMs: 3_000, handled: 2, failed: 10, serves: true },
    { version: "v1", fromMs: 1_000, untilMs: 3_000, came: "start", cameMs: 500, handled: 20, failed: 1, serves: true },
  ]);
});

it("a version that was saved before anybody looked is told of without a time that nobody knows", () => {
  const history = new VersionHistory();
  history.look(looked(["r1", "v2", 0, 0]), 1_000);
  expect(history.of("a")).toMatchObject([{ came: "save", cameMs: undefined }]);
});

it("a version that is back has come again", () => {
  const history = new VersionHistory();
  for (const [at, version] of ["v2", "v3", "v2"].entries()) history.look(looked(["r1", version, 0, 0]), at);
  expect(history.of("a")).toMatchObject([
    { version: "v3", cameMs: 1 },
    { version: "v2", cameMs: 2 },
  ]);
});

it("a replica that starts anew counts from where it begins, and a version that is gone is told of as such", () => {
  const history = new VersionHistory();
  history.look(looked(["r1", "v1", 100, 0]), 1_000);
  history.look(looked(["r1", "v2", 0, 0]), 2_000);
  history.look(looked(["r2", "v2", 5, 0]), 3_000);
  expect(history.of("a").map(({ version, handled, serves }) => [version, handled, serves])).toEqual([
    ["v2", 0, true],
    ["v1", 0, false],
  ]);
});

it("keeps the last twenty versions, and nothing of handlers that are gone", () => {
  const history = new VersionHistory();
  for (let at = 0; at < 30; at++) history.look(looked(["r1", `v${at}`, at, 0]), at);
  expect(history.of("a").length).toBe(20);
  expect(history.of("a")[0]?.version).toBe("v29");
  history.keepOnly(new Set(["b"]));
  expect(history.of("a")).toEqual([]);
});
