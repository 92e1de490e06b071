// The test kit of the package as it is published, under the runners that are not ours: jest and node:test.

import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packedIn, QUIETLY, run } from "./packed.ts";

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "nats-handlers-runners-")));
  cpSync(fileURLToPath(new URL("test-runners/", import.meta.url)), folder, { recursive: true });
  run(folder, "npm", "install", packedIn(folder), ...QUIETLY);
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("jest runs handlers, the whole runtime and crash points", () => {
  const said = JSON.parse(run(folder, "npm", "run", "--silent", "test:jest", "--", "--json"));
  expect(said).toMatchObject({ success: true, numPassedTests: 3, numTotalTests: 3 });
}, 300_000);

test("node:test runs them, and files with ten runtime tests each, all beside each other", () => {
  expect(run(folder, "npm", "run", "--silent", "test:node")).toMatch(/pass 23\n[\s\S]*fail 0\n/);
}, 300_000);
