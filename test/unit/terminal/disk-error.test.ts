import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeError, RuntimeError } from "../../../runtime/errors.ts";
import { explainDisk } from "../../../runtime/terminal/disk-error.ts";

function systemError(code: string, path = "/app/.handlers/build/a.mjs"): Error {
  return Object.assign(new Error(`${code}: as Node says it`), { code, path, syscall: "write" });
}

it.each([
  ["ENOSPC", /no space left on the disk/],
  ["EROFS", /may only be read/],
  ["EACCES", /may not write there/],
])("%s is told in one line, with the file and what to do, and without a stack", (code, why) => {
  const text = describeError(explainDisk(systemError(code)));
  expect(text).toMatch(/^DISK_REFUSED: \/app\/\.handlers\/build\/a\.mjs cannot be written: /);
  expect(text).toMatch(why);
  expect(text).toContain("TMPDIR");
  expect(text).not.toMatch(/^ +at /m);
});

it("what the system itself says of a folder that cannot be made is told so", () => {
  const folder = mkdtempSync(join(tmpdir(), "nats-handlers-disk-"));
  writeFileSync(join(folder, "file"), "");
  let thrown: unknown;
  try {
    mkdirSync(join(folder, "file", "below"));
  } catch (error) {
    thrown = error;
  }
  expect(explainDisk(thrown)).toMatchObject({ code: "DISK_REFUSED", message: expect.stringContaining("ENOTDIR") });
  rmSync(folder, { recursive: true });
});

it("a full disk is told of a file that Node does not name, as it was open already", () => {
  const told = explainDisk(systemError("ENOSPC", ""));
  expect(told).toMatchObject({
    code: "DISK_REFUSED",
    message: expect.stringMatching(/^a file cannot be written: .*disk/),
  });
});

it("a limit of watched files, which the system calls a lack of space too, is told as what it is", () => {
  const told = explainDisk(Object.assign(systemError("ENOSPC", "/app/handlers"), { syscall: "watch" }));
  expect(told).toMatchObject({ message: expect.stringMatching(/^\/app\/handlers cannot be watched/) });
});

it("every other error is left as it is", () => {
  const own = new RuntimeError("USAGE", "as asked");
  const unknown = Object.assign(new Error("gone"), { code: "ECONNRESET", path: "x" });
  for (const error of [own, unknown, new Error("x"), systemError("EACCES", ""), "text"]) {
    expect(explainDisk(error)).toBe(error);
  }
});
