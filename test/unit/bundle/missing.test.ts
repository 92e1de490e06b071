import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pathsThatWouldMendRun } from "../../../runtime/bundle/missing.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "missing-")));
});
afterEach(() => rmSync(root, { recursive: true }));

test("a package that Node does not find is looked for where the one that asks for it lies, and above", () => {
  const asking = join(root, "node_modules/asking/index.js");
  for (const text of [
    `Cannot find package 'needed' imported from ${asking}`,
    `Cannot find package 'needed/sub' imported from ${pathToFileURL(asking).href}`,
    `Cannot find module 'needed'\nRequire stack:\n- ${asking}\n- ${root}/handlers/a.ts`,
  ])
    expect(pathsThatWouldMendRun(text)).toEqual(
      expect.arrayContaining([
        join(root, "node_modules/.package-lock.json"),
        join(dirname(root), "node_modules/.modules.yaml"),
      ]),
    );
});

test("a file that is not there is looked for where it was named", () => {
  const path = join(root, "words.txt");
  expect(pathsThatWouldMendRun(`ENOENT: no such file or directory, open '${path}'`)).toEqual([path]);
  expect(pathsThatWouldMendRun(`Cannot find module '${root}/old' imported from ${root}/a.mjs`)).toContain(
    join(root, "old.js"),
  );
  expect(pathsThatWouldMendRun("ENOENT: no such file or directory, open 'words.txt'")).toEqual([]);
});

test("what is about something else mends nothing", () => {
  expect(pathsThatWouldMendRun("TypeError: the database is not there\n    at setup (/x/a.ts:1:1)")).toEqual([]);
});
