import { describe, expect, test } from "vitest";
import { CONFIG_LITERAL, locate, METADATA_LITERAL } from "../../../runtime/metadata/locate.ts";

const HANDLER = `// metadata = { timeout: "1s" } is only talked about here
import { newItem } from "./_events";

export const metadata = {
  ...newItem, // timeout: in a comment
  description: "braces { and 'timeout: quotes'",
  /* retry: no */
  timeout: "10 sec", "concurrency": 0,
  retry: {
    attempts: 0,
    backoff: ["1s", "5"],
  },
  orderBy(event) { return { memory: 1 }.memory; },
  memory: \`\${1}MB\`,
} satisfies HandlerMetadata;
`;

describe("locate in a handler file", () => {
  test.each([
    [["description"], 6, 3],
    [["timeout"], 8, 3],
    [["concurrency"], 8, 22],
    [["retry"], 9, 3],
    [["retry", "attempts"], 10, 5],
    [["retry", "backoff"], 11, 5],
    [["retry", "backoff", 1], 11, 21],
    [["orderBy"], 13, 3],
    [["memory"], 14, 3],
  ])("%j is found at line %i, column %i", (path, line, column) => {
    expect(locate(HANDLER, METADATA_LITERAL, path)).toEqual({ line, column });
  });

  test("a key that comes from a spread is placed at the metadata", () => {
    expect(locate(HANDLER, METADATA_LITERAL, ["subject"])).toEqual({ line: 4, column: 1 });
  });

  test("a missing nested key is placed at its parent", () => {
    expect(locate(HANDLER, METADATA_LITERAL, ["retry", "delay"])).toEqual({ line: 9, column: 3 });
  });

  test("a type beside the name does not matter", () => {
    expect(locate("export const metadata: HandlerMetadata = {\n  kind: 1 }", METADATA_LITERAL, ["kind"])).toEqual({
      line: 2,
      column: 3,
    });
  });

  test("metadata that is no literal has no place, or that of its declaration", () => {
    expect(locate("export { metadata } from './x';", METADATA_LITERAL, ["kind"])).toEqual({});
    expect(locate("export const metadata = make();", METADATA_LITERAL, ["kind"])).toEqual({ line: 1, column: 1 });
  });

  test("a source that ends in the middle, or has its brackets wrong, does not hang", () => {
    for (const source of ["{", "{ a", "{ a: (", "{ a: ) , b: 1 }", "{ a: 'x", "{ /* ", "{ // x", "[ ) ]", "{ ,, }"]) {
      expect(locate(`export const metadata = ${source}`, METADATA_LITERAL, ["b", 0])).toHaveProperty("line");
    }
  });
});

test("locate in a configuration file, with and without defineConfig", () => {
  const path = ["defaults", "timeout"];
  expect(
    locate("x();\nexport default defineConfig({\n  defaults: {\n    timeout: 1 } });", CONFIG_LITERAL, path),
  ).toEqual({ line: 4, column: 5 });
  expect(locate("export default { defaults: { timeout: 1 } };", CONFIG_LITERAL, path)).toEqual({ line: 1, column: 30 });
});
