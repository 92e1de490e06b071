// The nats-server that `dev` brings along: a real one, on this machine only, with its data in the project's state folder.

import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import { portHolder, portTaken } from "./port-holder.ts";
import { claimRuntimeFile } from "./runtime-file.ts";
import { findServerBinary } from "./server-binary.ts";
import {
  failure,
  type ProcessExit,
  type ProcessTracker,
  type ServerProcess,
  type ServerProcessOptions,
  shownExit,
  startServerProcess,
} from "./server-process.ts";

export interface EmbeddedServerOptions {
  /** The project's `.handlers` folder; made when missing. */
  readonly stateDir: string;
  /** Taken when free, else another, which `onProgress` is told; 0 for any free one. */
  readonly port: number;
  readonly reaper: ProcessTracker;
  readonly clock: Clock;
  /** Told of NATS_SERVER_FAILED when the server ends by itself. */
  readonly emit?: Emit;
  /** Told, line by line, how a nats-server is got when none is installed, and what is not as wished. */
  readonly onProgress?: (line: string) => void;
  /** JetStream's data; `<stateDir>/nats` unless given. */
  readonly storeDir?: string;
}

export interface EmbeddedServer {
  readonly url: string;
  readonly port: number;
  readonly version: string;
  readonly pid: number;
  /** TERM, KILL after 5 s. Calling twice is safe. Never rejects. */
  close(): Promise<void>;
  readonly exited: Promise<ProcessExit>;
}

/**
 * Start it, and tell other processes where it is (`runtime.json`).
 *
 * Rejects with NATS_SERVER_UNAVAILABLE when there is none to run, NATS_SERVER_FAILED when it does not come up, USAGE
 * when another supervisor runs one in this folder.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const { clock, reaper, emit = () => {}, onProgress = () => {} } = options;
  const binary = await findServerBinary({ clock, onProgress });
  mkdirSync(options.stateDir, { recursive: true });
  // Its full path stands in the server's command line, by which the server is known again.
  const stateDir = realpathSync(options.stateDir);
  const workDir = join(stateDir, "nats");
  const claim = await claimRuntimeFile(stateDir, clock);
  try {
    const storeDir = options.storeDir ?? workDir;
    const server = await startOnPort({ binary: binary.path, workDir, storeDir, port: options.port, reaper, clock });
    const url = `nats://127.0.0.1:${server.port}`;
    claim.publish({ url, pid: server.pid });
    if (options.port !== 0 && server.port !== options.port) {
      onProgress(portTaken(options.port, await portHolder(options.port, clock), url));
    }
    let closing = false;
    const exited = server.exited.then((exit) => {
      claim.release();
      if (!closing) emit({ type: "nats.error", error: diedByItself(exit, server) });
      return exit;
    });
    return {
      url,
      port: server.port,
      version: binary.version,
      pid: server.pid,
      exited,
      async close() {
        closing = true;
        await server.stop();
        await exited;
      },
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

// A taken port ends the server at its start, and so do other things: then the second start says what.
async function startOnPort(options: ServerProcessOptions): Promise<ServerProcess> {
  if (options.port === 0) return startServerProcess(options);
  try {
    return await startServerProcess(options);
  } catch {
    return startServerProcess({ ...options, port: 0 });
  }
}

function diedByItself(exit: ProcessExit, server: ServerProcess) {
  return failure(
    `the embedded nats-server (process ${server.pid}) ended by itself with ${shownExit(exit)}`,
    server.logFile,
  );
}
