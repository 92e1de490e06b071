// Where the figures come from: without it they mean nothing.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../runtime/clock.ts";
import { findServerBinary } from "../../../runtime/dev-server/server-binary.ts";

export interface Machine {
  readonly atIso: string;
  readonly cores: number;
  readonly model: string;
  readonly memoryGiB: number;
  /** Load average of the minute before. */
  readonly load: number;
  readonly node: string;
  readonly natsServer: string;
  readonly client: string;
  readonly zod: string;
  readonly commit: string;
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export async function describeMachine(): Promise<Machine> {
  const { version } = await findServerBinary({ clock: systemClock, onProgress: () => undefined });
  return {
    atIso: new Date().toISOString(),
    cores: cpus().length,
    model: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    load: loadavg()[0] ?? 0,
    node: process.versions.node,
    natsServer: version,
    client: packageVersion("@nats-io/transport-node"),
    zod: packageVersion("zod"),
    commit: commit(),
  };
}

export function renderMachine(machine: Machine): string {
  const { cores, model, memoryGiB, load, node, natsServer, client, zod } = machine;
  return [
    `nats-handlers ${machine.commit} · ${machine.atIso}`,
    `${cores} cores, ${model}, ${memoryGiB} GiB, load before ${load.toFixed(2)}`,
    `node ${node}, nats-server ${natsServer}, @nats-io/transport-node ${client}, zod ${zod}`,
    "",
  ].join("\n");
}

function packageVersion(name: string): string {
  const text = readFileSync(`${ROOT}node_modules/${name}/package.json`, "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function commit(): string {
  try {
    const run = (args: string[]) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
    const changed = run(["status", "--porcelain", "--", "runtime", "sdk"]) === "" ? "" : " with changes";
    return `${run(["rev-parse", "--short", "HEAD"])}${changed}`;
  } catch {
    return "without git"; // An archive of the sources has no history.
  }
}
