// A watcher that restarts a program when its file is saved: what one does without a runtime. The program is the raw
// client with a drain on SIGTERM, the kindest that can be done to it.

import { type ChildProcess, spawn } from "node:child_process";
import { processTree } from "../measure/process-cpu.ts";
import { peerFile } from "../peer-packages.ts";

export interface Watcher {
  readonly label: string;
  /** Of `node`. */
  readonly args: readonly string[];
}

export const APP_FILE = "app.ts";

export const WATCHERS: readonly Watcher[] = [
  { label: "tsx watch", args: [peerFile("tsx/dist/cli.mjs"), "watch", APP_FILE] },
  { label: "node --watch", args: ["--watch", APP_FILE] },
  {
    label: "nodemon",
    args: [
      peerFile("nodemon/bin/nodemon.js"),
      "-I",
      "--signal",
      "SIGTERM",
      "--ext",
      "ts",
      "--exec",
      process.execPath,
      APP_FILE,
    ],
  },
];

export function startWatcher({ args }: Watcher, cwd: string): ChildProcess {
  return spawn(process.execPath, args, { cwd, stdio: "ignore" });
}

/** End it with all it has started. */
export async function endWatcher(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const pids = processTree(child.pid);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  for (const pid of pids.reverse()) end(pid);
  await ended;
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

export function appSource(natsUrl: string, subject: string, version: number): string {
  return `import { connect } from "@nats-io/transport-node";
import { z } from "zod";

const schema = z.object({ number: z.int() });
const nats = await connect({ servers: ${JSON.stringify(natsUrl)} });
nats.subscribe(${JSON.stringify(subject)}, {
  queue: "app",
  callback: (_error, message) => {
    schema.parse(message.json());
    message.respond(JSON.stringify({ version: ${version} }));
  },
});
process.on("SIGTERM", () => nats.drain().then(() => process.exit(0)));
`;
}
