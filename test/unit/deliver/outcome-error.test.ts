import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { outcomeError } from "../../../runtime/deliver/outcome-error.ts";

const SAVED_MS = 1_000_000;
let rootDir: string;

beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), "outcome-error-"));
  writeFileSync(join(rootDir, "save.ts"), 'export default () => {\n  throw new Error("no");\n};\n');
  utimesSync(join(rootDir, "save.ts"), SAVED_MS / 1_000, SAVED_MS / 1_000);
});
afterEach(() => rmSync(rootDir, { recursive: true }));

function failed(sinceMs: number) {
  const stack = `Error: no\n    at default (${join(rootDir, "save.ts")}:2:9)`;
  const failure = { kind: "threw", error: { name: "Error", message: "no", stack } } as const;
  const about = { handler: "save", file: "save.ts", rootDir, subject: "a", timeoutMs: 1_000, sinceMs };
  return outcomeError(failure, about);
}

it("the line that failed is shown as it was when its version began to serve", () => {
  expect(failed(SAVED_MS + 1).frame).toContain('throw new Error("no")');
});

it("lines of a file that was saved since then are not taken for those that failed: the place says enough", () => {
  const { frame, place } = failed(SAVED_MS - 1);
  expect(frame).toBeUndefined();
  expect(place).toMatchObject({ file: "save.ts", line: 2 });
});
