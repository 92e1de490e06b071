import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../runtime/clock.ts";
import { type FileWatch, watchFiles } from "../../../runtime/discover/watch.ts";

let root = "";
let watch: FileWatch | undefined;
let seen = new Set<string>();
let wake = () => {};

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "watch-")));
  seen = new Set();
});

afterEach(async () => {
  await watch?.close();
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, content = String(Math.random())) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

async function start() {
  watch = watchFiles({
    handlersDir: join(root, "handlers"),
    clock: systemClock,
    onChange(paths) {
      for (const path of paths) seen.add(path);
      wake();
    },
  });
  await watch.ready;
  return watch;
}

/** Resolves when all these paths, or a folder above them, have been reported since the last `settled`. */
async function reported(...paths: string[]) {
  while (!paths.every((path) => isReported(join(root, path)))) await new Promise<void>((resolve) => (wake = resolve));
}

function isReported(path: string): boolean {
  return seen.has(path) || (path.length > join(root, "handlers").length && isReported(dirname(path)));
}

/** Everything that happened so far has been reported: one more file says so. Then forget it. */
async function settled() {
  write("handlers/settled.ts");
  await reported("handlers/settled.ts");
  seen.clear();
}

test("a save by truncating and writing is reported", async () => {
  write("handlers/a.ts");
  await start();
  write("handlers/a.ts");
  await reported("handlers/a.ts");
});

test("a single write is reported once", async () => {
  write("handlers/a.ts");
  await start();
  for (let save = 0; save < 20; save++) {
    const file = openSync(join(root, "handlers/a.ts"), "r+");
    writeSync(file, String(save));
    closeSync(file);
    await reported("handlers/a.ts");
    seen.clear();
    write("handlers/b.ts");
    await reported("handlers/b.ts");
    expect(seen).not.toContain(join(root, "handlers/a.ts"));
  }
});

test("a save by renaming is reported, and so is the one after it", async () => {
  write("handlers/todo/a.ts");
  await start();
  for (let save = 0; save < 3; save++) {
    seen.clear();
    write("handlers/todo/.a.ts.swp");
    renameSync(join(root, "handlers/todo/.a.ts.swp"), join(root, "handlers/todo/a.ts"));
    await reported("handlers/todo/a.ts");
  }
});

test("a save by moving the old file away first is reported", async () => {
  write("handlers/a.ts");
  await start();
  renameSync(join(root, "handlers/a.ts"), join(root, "handlers/a.ts~"));
  write("handlers/a.ts");
  unlinkSync(join(root, "handlers/a.ts~"));
  await reported("handlers/a.ts");
});

test("of two quick writes the second is reported too", async () => {
  write("handlers/a.ts");
  await start();
  write("handlers/a.ts");
  await reported("handlers/a.ts");
  seen.clear();
  write("handlers/a.ts");
  await reported("handlers/a.ts");
});

test("a file that stays empty is reported, though after a moment", async () => {
  write("handlers/a.ts");
  await start();
  write("handlers/a.ts", "");
  await reported("handlers/a.ts");
});

test("files added, removed and renamed are reported", async () => {
  write("handlers/a.ts");
  write("handlers/b.ts");
  await start();
  write("handlers/new.ts");
  unlinkSync(join(root, "handlers/a.ts"));
  renameSync(join(root, "handlers/b.ts"), join(root, "handlers/c.ts"));
  await reported("handlers/new.ts", "handlers/a.ts", "handlers/b.ts", "handlers/c.ts");
});

test("a renamed folder is reported under both names, and watched under the new one", async () => {
  write("handlers/old/deep/a.ts");
  await start();
  renameSync(join(root, "handlers/old"), join(root, "handlers/new"));
  await reported("handlers/old/deep/a.ts", "handlers/new/deep/a.ts");
  await settled();
  write("handlers/new/deep/a.ts");
  await reported("handlers/new/deep/a.ts");
});

test("files written into new folders at once, and later, are reported", async () => {
  mkdirSync(join(root, "handlers"));
  await start();
  for (let i = 0; i < 20; i++) write(`handlers/n${i}/deep/er/a.ts`);
  await reported(...Array.from({ length: 20 }, (_, i) => `handlers/n${i}/deep/er/a.ts`));
  await settled();
  for (let i = 0; i < 20; i++) write(`handlers/n${i}/deep/er/b.ts`);
  await reported(...Array.from({ length: 20 }, (_, i) => `handlers/n${i}/deep/er/b.ts`));
});

test("of a checkout that touches 200 files every file is reported", async () => {
  const paths = Array.from({ length: 200 }, (_, i) => `handlers/d${i % 10}/f${i}.ts`);
  for (const path of paths) write(path);
  await start();
  for (const path of paths) {
    unlinkSync(join(root, path)); // as git does it
    write(path);
  }
  await reported(...paths);
});

test("a handlers folder that is removed and made again is watched again", async () => {
  write("handlers/todo/a.ts");
  await start();
  rmSync(join(root, "handlers"), { recursive: true });
  await reported("handlers/todo/a.ts");
  write("handlers/todo/a.ts");
  await reported("handlers/todo/a.ts");
  await settled();
  write("handlers/todo/a.ts");
  await reported("handlers/todo/a.ts");
});

test("a handlers folder that is replaced by another one is watched again", async () => {
  write("handlers/a.ts");
  write("next/b.ts");
  await start();
  renameSync(join(root, "handlers"), join(root, "before"));
  renameSync(join(root, "next"), join(root, "handlers"));
  await reported("handlers/b.ts");
  await settled();
  write("handlers/b.ts");
  await reported("handlers/b.ts");
});

test("a handlers folder that comes into being later is watched", async () => {
  await start();
  write("handlers/a.ts");
  await reported("handlers/a.ts");
});

test("a swapped link inside, as container mounts do it, reports every file", async () => {
  write("handlers/..v1/a.ts");
  write("handlers/..v1/b.ts");
  cpSync(join(root, "handlers/..v1"), join(root, "handlers/..v2"), { recursive: true });
  symlinkSync("..v1", join(root, "handlers/..data"));
  symlinkSync("..data/a.ts", join(root, "handlers/a.ts"));
  symlinkSync("..data/b.ts", join(root, "handlers/b.ts"));
  await start();
  for (const version of ["..v2", "..v1", "..v2"]) {
    seen.clear();
    symlinkSync(version, join(root, "handlers/..tmp"));
    renameSync(join(root, "handlers/..tmp"), join(root, "handlers/..data"));
    await reported("handlers/a.ts", "handlers/b.ts");
  }
});

test("when the handlers folder is a link and is swapped, the new target is reported and watched", async () => {
  write("v1/a.ts");
  write("v2/a.ts");
  write("v3/a.ts");
  symlinkSync("v1", join(root, "handlers"));
  await start();
  for (const version of ["v2", "v3"]) {
    seen.clear();
    symlinkSync(version, join(root, "tmp"));
    renameSync(join(root, "tmp"), join(root, "handlers"));
    await reported("handlers/a.ts");
    await settled();
    write(`${version}/a.ts`);
    await reported("handlers/a.ts");
  }
});

test("after a linked folder inside is swapped, what is made in the new one is reported", async () => {
  write("v1/a.ts");
  write("v2/a.ts");
  write("handlers/b.ts");
  symlinkSync("../v1", join(root, "handlers/linked"));
  await start();
  symlinkSync("../v2", join(root, "tmp"));
  renameSync(join(root, "tmp"), join(root, "handlers/linked"));
  await reported("handlers/linked/a.ts");
  await settled();
  write("v2/new.ts");
  await reported("handlers/linked/new.ts");
});

test("a watch can be closed before it is ready", async () => {
  write("handlers/a.ts");
  watch = watchFiles({ handlersDir: join(root, "handlers"), clock: systemClock, onChange: () => {} });
  await watch.close();
  await watch.ready;
});

test("followed files outside are reported, also when saved by renaming, and no more after unfollowing", async () => {
  write("handlers/a.ts");
  write("lib/db.ts");
  const files = await start();
  const db = join(root, "lib/db.ts");
  files.follow([db, join(root, "handlers/a.ts")]);
  while (!seen.has(db)) {
    write("lib/db.ts");
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let save = 0; save < 3; save++) {
    seen.clear();
    write("lib/db.tmp");
    renameSync(join(root, "lib/db.tmp"), db);
    await reported("lib/db.ts");
  }
  await settled();
  files.unfollow([db]);
  await settled();
  seen.clear();
  write("lib/db.ts");
  await settled();
  files.follow([db]);
  while (!seen.has(db)) {
    write("lib/db.ts");
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test("a followed file that does not exist yet is reported when it appears with its folders", async () => {
  write("handlers/a.ts");
  const files = await start();
  files.follow([join(root, "node_modules/.package-lock.json"), join(root, "lib/deep/x.ts")]);
  await settled();
  write("node_modules/zod/index.js");
  write("lib/deep/x.ts");
  write("node_modules/.package-lock.json");
  await reported("lib/deep/x.ts", "node_modules/.package-lock.json");
});

test("what was changed just before it is followed is reported too", async () => {
  write("handlers/a.ts");
  const files = await start();
  await settled();
  write("lib/x.ts");
  files.follow([join(root, "lib/x.ts")]);
  await reported("lib/x.ts");
});

test("after closing nothing is reported, and closing twice is safe", async () => {
  write("handlers/a.ts");
  const files = await start();
  write("handlers/a.ts");
  await files.close();
  await files.close();
  expect(seen.size).toBe(0);
  files.follow([join(root, "x.ts")]);
  files.unfollow([join(root, "x.ts")]);
});
