// The table of the delivery suite, and what the documents say of it.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ROWS } from "../../delivery/rows/index.ts";

it("no two rows have the same name", () => {
  const names = ROWS.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

it("docs/delivery.md lists every row", () => {
  const text = readFileSync(new URL("../../../docs/delivery.md", import.meta.url), "utf8");
  expect(ROWS.map(({ name }) => name).filter((name) => !text.includes(name))).toEqual([]);
});
