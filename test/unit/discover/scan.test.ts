import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scan } from "../../../runtime/discover/scan.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "scan-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function touch(...paths: string[]) {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), "");
  }
}

const scanned = () => scan(root, join(root, "handlers"));

test("handlers are found in all folders and sorted by name", async () => {
  touch("handlers/z.ts", "handlers/a/b/c.mjs", "handlers/a/_x.ts", "handlers/_y/z.ts", "handlers/a.js", "other/no.ts");
  const { files, conflicts, problems } = await scanned();
  expect(files.map(({ name }) => name)).toEqual(["a", "a/b/c", "z"]);
  expect(files[1]?.path).toBe(join(root, "handlers/a/b/c.mjs"));
  expect([conflicts, problems]).toEqual([[], []]);
});

test("two files of one name are a conflict that names both, and the others are still found", async () => {
  touch("handlers/a/b.ts", "handlers/a/b.js", "handlers/ok.ts");
  const { files, conflicts } = await scanned();
  expect(files.map(({ name }) => name)).toEqual(["ok"]);
  expect(conflicts.map(({ name }) => name)).toEqual(["a/b"]);
  expect(conflicts[0]?.error.code).toBe("NAME_CONFLICT");
  expect(conflicts[0]?.error.message).toContain("handlers/a/b.js and handlers/a/b.ts");
});

test("a bad name is a problem and the others are still found", async () => {
  touch("handlers/two words.ts", "handlers/ok.ts");
  const { files, problems } = await scanned();
  expect(files.map(({ name }) => name)).toEqual(["ok"]);
  expect(problems.map(({ place }) => place?.file)).toEqual(["handlers/two words.ts"]);
});

test("a missing handlers folder is told with the command that makes a first handler", async () => {
  const { files, problems } = await scanned();
  expect(files).toEqual([]);
  expect(problems.map(({ code }) => code)).toEqual(["HANDLERS_DIR_MISSING"]);
  expect(problems[0]?.remedy).toContain("handlers new hello");
});

test("an empty handlers folder is no problem", async () => {
  mkdirSync(join(root, "handlers"));
  expect(await scanned()).toEqual({ files: [], conflicts: [], problems: [] });
});

test("a file in place of the handlers folder is a problem", async () => {
  touch("handlers");
  expect((await scanned()).problems).toHaveLength(1);
});

test("symlinks are followed, circles and dangling ones do no harm", async () => {
  touch("elsewhere/one.ts", "elsewhere/dir/two.ts", "handlers/real.ts");
  symlinkSync(join(root, "elsewhere/one.ts"), join(root, "handlers/one.ts"));
  symlinkSync(join(root, "elsewhere/dir"), join(root, "handlers/dir"));
  symlinkSync(join(root, "handlers"), join(root, "handlers/circle"));
  symlinkSync(join(root, "nowhere"), join(root, "handlers/dangling.ts"));
  const { files, problems } = await scanned();
  expect(files.map(({ name }) => name)).toEqual(["dir/two", "one", "real"]);
  expect(problems).toEqual([]);
});
