// Several `handlers start` processes of one app, each with its own copy of the project, as containers would have.

import { systemClock } from "../../runtime/clock.ts";
import { type CliProcess, type CliResult, runCli, startCli } from "./cli-process.ts";
import { createProject, type TestProject } from "./project.ts";

export interface Replicas {
  readonly processes: readonly CliProcess[];
  /** Ids of the instances that run, as the log has them. */
  pids(): number[];
  /** The folder of each, in which its workers run. */
  readonly homes: readonly string[];
  /** Drain all, and start them again with the same files. */
  restart(): Promise<void>;
  /** A command as an operator types it, with its answer as JSON. */
  cli(...args: string[]): Promise<CliResult>;
  json<T>(...args: string[]): Promise<T>;
  /** A command that goes on until it is told to stop. */
  follow(...args: string[]): CliProcess;
  /** Lines of the log of all, as far as printed. */
  lines(event: string): readonly Record<string, unknown>[];
  close(): Promise<void>;
}

export interface ReplicaOptions {
  readonly url: string;
  readonly files: Readonly<Record<string, string>>;
  /** One entry for each replica: its environment. */
  readonly environments: readonly Readonly<Record<string, string>>[];
}

export async function startReplicas({ url, files, environments }: ReplicaOptions): Promise<Replicas> {
  const projects = environments.map(() => createProject(files));
  const following: CliProcess[] = [];
  let processes: CliProcess[] = [];
  async function start() {
    processes = environments.map((env, at) => {
      return startCli(["start"], { cwd: projects[at]!.rootDir, env: { NATS_URL: url, ...env } });
    });
    await Promise.all(processes.map((replica) => replica.printed(/"msg":"ready: /)));
  }
  async function stop() {
    for (const { child } of processes) child.kill("SIGTERM");
    await Promise.all(processes.map(({ ended }) => ended));
  }
  const options = { cwd: (projects[0] as TestProject).rootDir, env: { NATS_URL: url } };
  await start();
  return {
    get processes() {
      return processes;
    },
    homes: projects.map(({ rootDir }) => rootDir),
    pids: () => processes.map(({ pid }) => pid),
    async restart() {
      await stop();
      await start();
    },
    cli: (...args) => runCli(args, options),
    async json<T>(...args: string[]) {
      const { stdout, stderr } = await runCli([...args, "--json"], options);
      if (stdout === "") throw new Error(`\`handlers ${args.join(" ")}\` printed nothing but: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
    follow(...args) {
      const process = startCli(args, options);
      following.push(process);
      return process;
    },
    lines: (event) => processes.flatMap((replica) => linesOf(replica.text(), event)),
    async close() {
      for (const { child } of following) child.kill("SIGINT");
      await Promise.all(following.map(({ ended }) => ended));
      await stop();
      for (const project of projects) project.end();
    },
  };
}

function linesOf(text: string, event: string): Record<string, unknown>[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return whole
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line.event === event);
}

/** Calls `send` with 0, 1, 2, ... every few milliseconds until stopped; then says how many there were. */
export function startLoad(send: (n: number) => void, everyMs = 4): { stop(): number } {
  let count = 0;
  const timer = systemClock.every(everyMs, () => send(count++));
  return {
    stop() {
      timer.cancel();
      return count;
    },
  };
}
