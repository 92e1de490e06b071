// What a bundle exports, as it is told to the supervisor.

import { expect, test } from "vitest";
import { describeDefault } from "../../../runtime/worker/load.ts";

test("a default export that is called and runs nothing is told from one that does", () => {
  expect(describeDefault(() => 1)).toBe("function");
  expect(describeDefault(async () => 1)).toBe("function");
  expect(describeDefault(async function* () {})).toBe("async generator");
  expect(describeDefault(function* () {})).toBe("generator");
  expect(describeDefault(class {})).toBe("class");
  expect(describeDefault(class Named extends Map {})).toBe("class");
  expect(describeDefault(function classify() {})).toBe("function");
  expect(describeDefault({})).toBe("object");
  expect(describeDefault(undefined)).toBe("undefined");
});
