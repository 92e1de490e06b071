// `handlers` as users run it: a process, what it prints, and how it ends.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/handlers.mjs", import.meta.url));

/** Of util-linux: gives a program a terminal. */
const SCRIPT = "/usr/bin/script";
export const hasTerminals = process.platform === "linux" && existsSync(SCRIPT);

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything printed so far, both outputs. */
  readonly text: () => string;
  /** Resolves with the match as soon as the pattern is found in what was printed. Rejects when the process ends first. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** At its terminal. */
  type(text: string): void;
  readonly ended: Promise<CliResult>;
}

export interface CliOptions {
  readonly cwd: string;
  /** Undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** For Node itself. */
  readonly nodeArgs?: readonly string[];
  /** Another user than that of the tests, who must be root then. */
  readonly uid?: number;
  /** As a shell with a terminal starts it: the leader of a process group, to which Ctrl-C goes. */
  readonly ownGroup?: boolean;
  /** Another than that of the clone: a build brings its own. */
  readonly bin?: string;
  /** It has a terminal, where `hasTerminals`, and its stdin goes on. */
  readonly atTerminal?: boolean;
}

/** Start it, on the nats-server of these tests, without the NATS settings and the colours of whoever runs them. */
export function startCli(
  args: readonly string[],
  { cwd, env = {}, input, nodeArgs = [], bin = BIN, ownGroup = false, uid, atTerminal = false }: CliOptions,
): CliProcess {
  const base = Object.entries(process.env).filter(
    ([name]) => !/^(NATS_|HANDLERS_|NODE_OPTIONS|FORCE_COLOR|VITEST)/.test(name),
  );
  const kept = Object.entries(process.env).filter(([name]) => /^HANDLERS_(CACHE_DIR|NATS_SERVER)$/.test(name));
  const command = [process.execPath, ...nodeArgs, bin, ...args];
  // In the place of the shell: one that waits for it would end by Ctrl-C too, with a code of its own.
  const quoted = `exec ${command.map((word) => `'${word}'`).join(" ")}`;
  const [program, ...words] = atTerminal ? ([SCRIPT, "-qfec", quoted, "/dev/null"] as const) : command;
  const child = spawn(program!, words, {
    cwd,
    env: { ...Object.fromEntries([...base, ...kept]), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: ownGroup,
    ...(uid === undefined ? {} : { uid }),
  });
  const printed = { stdout: "", stderr: "", all: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
      printed.all += text;
      for (const look of waiting) look();
    });
  }
  if (!atTerminal) child.stdin.end(input ?? "");
  const ended = once(child, "close").then(([code, signal]): CliResult => ({ code, signal, ...printed }));
  return {
    child,
    pid: child.pid ?? 0,
    text: () => printed.all,
    ended,
    type: (text) => void child.stdin.write(text),
    printed(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = () => {
        const match = pattern.exec(printed.all);
        if (match !== null) resolve(match);
      };
      waiting.add(look);
      look();
      ended.then(() => reject(new Error(`ended before printing ${pattern}:\n${printed.all}`)));
      return promise.finally(() => waiting.delete(look));
    },
  };
}

export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(args, options).ended;
}
