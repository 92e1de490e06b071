// The nats-server of one test runtime: a free port, JetStream's data in a temporary folder that goes with it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { findServerBinary } from "../dev-server/server-binary.ts";
import { startServerProcess } from "../dev-server/server-process.ts";
import { startReaper } from "../isolate/reaper.ts";

export interface TestServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Rejects with NATS_SERVER_UNAVAILABLE when there is none to run, with NATS_SERVER_FAILED when it does not come up. */
export async function startTestServer(clock: Clock): Promise<TestServer> {
  const onProgress = (line: string) => void process.stderr.write(`nats-server: ${line}\n`);
  const [binary, folder] = await Promise.all([
    findServerBinary({ clock, onProgress }),
    mkdtemp(join(tmpdir(), "nats-handlers-testing-")),
  ]);
  // Ends the server also when the test runner is killed.
  const reaper = startReaper({ emit: () => {} });
  const remove = async () => {
    reaper.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const storeDir = join(folder, "store");
    const server = await startServerProcess({ binary: binary.path, workDir: folder, storeDir, port: 0, reaper, clock });
    return {
      url: `nats://127.0.0.1:${server.port}`,
      async close() {
        await server.kill();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
