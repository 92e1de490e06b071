import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { prepareStateFolder, stateFolderOf, temporaryStateFolder } from "../../runtime/state-folder.ts";

let temporary: string;
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), "handlers-state-"));
  vi.stubEnv("TMPDIR", temporary);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(temporary, { recursive: true });
});

it("the state lies in the project, and in the temporary folder when the project may not be written to", () => {
  expect(stateFolderOf("/srv/shop", () => true)).toBe("/srv/shop/.handlers");
  const elsewhere = stateFolderOf("/srv/shop", () => false);
  expect(elsewhere).toBe(temporaryStateFolder("/srv/shop"));
  expect(elsewhere.startsWith(temporary)).toBe(true);
  expect(temporaryStateFolder("/srv/bank")).not.toBe(elsewhere);
});

it("a temporary state folder is for its user alone, and one that others may write to is refused", async () => {
  const folder = temporaryStateFolder("/srv/shop");
  await prepareStateFolder(folder);
  const top = dirname(dirname(folder));
  expect((await stat(top)).mode & 0o777).toBe(0o700);
  await chmod(top, 0o777);
  await expect(prepareStateFolder(folder)).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
});
