// A real nats-server for one test file: a free port, JetStream on, its data in a folder that goes with it.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { findServerBinary } from "../../runtime/dev-server/server-binary.ts";
import { type ServerProcess, startServerProcess } from "../../runtime/dev-server/server-process.ts";
import { startReaper } from "../../runtime/isolate/reaper.ts";

export interface TestServerOptions {
  /** A nats-server configuration. Host, port, JetStream and its folder are set by flags, which win. */
  readonly config?: string;
  /** Kept by `stop`; otherwise one is made and removed. */
  readonly storeDir?: string;
  /** A free one unless given. */
  readonly port?: number;
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  readonly pid: number;
  readonly storeDir: string;
  readonly logFile: string;
  /** End it and remove its folder. Calling twice is safe. */
  stop(): Promise<void>;
  /** KILL it, keeping the data for `restart`. */
  kill(): Promise<void>;
  /** Have it read another configuration while it runs. */
  reload(config: string): Promise<void>;
  /** End it if it runs, and start it with the same port, data and configuration, or the configuration given. */
  restart(config?: string): Promise<void>;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const clock = systemClock;
  const binary = await findServerBinary({ clock, onProgress: () => {} });
  const workDir = await mkdtemp(join(tmpdir(), "nats-handlers-test-"));
  const storeDir = options.storeDir ?? join(workDir, "store");
  const configFile = join(workDir, "nats.conf");
  // Ends the server also when the test runner is killed.
  const reaper = startReaper({ emit: () => {} });

  async function start(port: number, config: string | undefined): Promise<ServerProcess> {
    await writeFile(configFile, config ?? "");
    return startServerProcess({ binary: binary.path, workDir, storeDir, port, configFile, reaper, clock });
  }

  async function cleanUp(): Promise<void> {
    reaper.close();
    await rm(workDir, { recursive: true, force: true });
  }

  let config = options.config;
  let server = await start(options.port ?? 0, config).catch(async (error: unknown) => {
    await cleanUp();
    throw error;
  });
  const { port } = server;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    storeDir,
    logFile: server.logFile,
    async stop() {
      await server.stop();
      await cleanUp();
    },
    kill: () => server.kill(),
    async reload(changed) {
      config = changed;
      // Server 2.9 would switch off what only a flag has switched on.
      await writeFile(configFile, `${changed}\njetstream { store_dir: ${JSON.stringify(storeDir)} }\n`);
      process.kill(server.pid, "SIGHUP");
    },
    async restart(changed) {
      config = changed ?? config;
      await server.stop();
      server = await start(port, config);
    },
  };
}
