import { expect, test } from "vitest";
import { ToldWarnings } from "../../../runtime/bundle/told-warnings.ts";
import { RuntimeError } from "../../../runtime/errors.ts";

const warning = (handler: string, line = 1) =>
  new RuntimeError("BUNDLE_FAILED", `handler "${handler}" builds, but: odd`, {
    handler,
    place: { file: "x.ts", line },
  });

test("a warning is news once, whichever handler brings it", () => {
  const told = new ToldWarnings();
  expect(told.news("a", [warning("a"), warning("a")])).toHaveLength(1);
  expect(told.news("a", [warning("a")])).toEqual([]);
  expect(told.news("b", [warning("b"), warning("b", 2)])).toMatchObject([{ place: { line: 2 } }]);
});

test("a warning that was gone is news when it comes back", () => {
  const told = new ToldWarnings();
  told.news("a", [warning("a")]);
  told.news("a", []);
  expect(told.news("a", [warning("a")])).toHaveLength(1);
});
