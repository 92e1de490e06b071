// `.handlers/`: what the runtime keeps between runs. It ignores itself, so that nobody commits it by accident.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export async function prepareStateFolder(stateDir: string): Promise<void> {
  await mkdir(stateDir, { recursive: true });
  // "wx": one that is there is the user's.
  await writeFile(join(stateDir, ".gitignore"), "*\n", { flag: "wx" }).catch(() => undefined);
}
