import { expect, test } from "vitest";
import { placeInStack } from "../../../runtime/deliver/stack-place.ts";

const stackOf = (...paths: string[]) => ["Error: no", ...paths.map((path) => `    at run (${path}:3:7)`)].join("\n");

test("the author's line is the first that lies in the project, and neither in its packages nor in what was built", () => {
  const stack = stackOf(
    "node:internal/errors",
    "/shop/node_modules/pg/lib/client.js",
    "/shop/.handlers/build/9-0/a.0123456789ab.mjs",
    "/shop/build/handlers/a.0123456789ab.mjs",
    "/elsewhere/x.ts",
    "/shop/handlers/a.ts",
    "/shop/handlers/b.ts",
  );
  expect(placeInStack(stack, "/shop")).toEqual({ file: "handlers/a.ts", line: 3, column: 7 });
});

test("a stack without such a line has no place", () => {
  expect(placeInStack(stackOf("/shop/dist/app/handlers/a.0123456789ab.mjs"), "/shop")).toBeUndefined();
  expect(placeInStack("", "/shop")).toBeUndefined();
});
