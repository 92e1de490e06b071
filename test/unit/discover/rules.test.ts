import { expect, test } from "vitest";
import { handlerFileOf, nameProblem } from "../../../runtime/discover/rules.ts";

const nameOf = (path: string) => handlerFileOf("/p", "/p/handlers", `/p/handlers/${path}`)?.name;

test("a handler is named by its path below the handlers folder, without the extension", () => {
  expect(handlerFileOf("/p", "/p/handlers", "/p/handlers/todo/save.ts")).toEqual({
    name: "todo/save",
    path: "/p/handlers/todo/save.ts",
    displayPath: "handlers/todo/save.ts",
  });
});

test.each([
  ["a.ts", "a"],
  ["a.mts", "a"],
  ["a.cts", "a"],
  ["a.cjs", "a"],
  ["a.tsx", "a"],
  ["a.jsx", "a"],
  ["a.js", "a"],
  ["a.mjs", "a"],
  ["a.b.ts", "a.b"],
  ["a_b/c-d.ts", "a_b/c-d"],
  ["latest.ts", "latest"],
  ["test.ts", "test"],
])("%s is the handler %s", (path, name) => {
  expect(nameOf(path)).toBe(name);
});

test.each([
  "_events.ts",
  "_lib/db.ts",
  "todo/_lib/deep/db.ts",
  ".hidden.ts",
  ".git/hook.js",
  "node_modules/x/index.js",
  "a.test.ts",
  "a.spec.mjs",
  "a.test.helper.ts",
  "a.d.ts",
  "a.d.mts",
  "a.d.cts",
  "a.vue",
  "a.json",
  "a.ts~",
  "a.ts.tmp",
  "a",
  "../other/a.ts",
])("%s is no handler", (path) => {
  expect(nameOf(path)).toBeUndefined();
  expect(nameProblem("/p", "/p/handlers", `/p/handlers/${path}`)).toBeUndefined();
});

test("a name that queue groups could not carry is a problem that names what is wrong with it", () => {
  expect(nameOf("my handler.ts")).toBeUndefined();
  const error = nameProblem("/p", "/p/handlers", "/p/handlers/my handler\n.ts");
  expect(error?.message).toBe(String.raw`handler name "my handler\n" contains " ", "\n"`);
  expect(error?.place?.file).toBe(String.raw`handlers/my handler\n.ts`);
});
