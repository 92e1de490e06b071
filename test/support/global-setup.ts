// Before the integration tests: the nats-server they run on must be there, so that no test pays for getting it. All that is
// started afterwards, `handlers dev` included, takes this one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chosenServer } from "./chosen-server.ts";

export async function setup(): Promise<() => void> {
  process.env.TEST_PROGRAM_DIR = mkdtempSync(join(tmpdir(), "nats-handlers-program-"));
  const say = (line: string) => console.log(`nats-server: ${line}`);
  const { path, version } = await chosenServer(say);
  process.env.HANDLERS_NATS_SERVER = path;
  say(`the tests run on ${version} (${path})`);
  return () => rmSync(process.env.TEST_PROGRAM_DIR!, { recursive: true, force: true });
}
