// Runs a command of the system to its end, bounded in time and in what is kept of its output.

import { spawn } from "node:child_process";
import type { Clock } from "../clock.ts";

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds until it is killed. */
  readonly limitMs: number;
  readonly clock: Clock;
}

export type CommandEnd =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "failed"; readonly why: string };

const KEPT_CHARS = 16_384;

/** Never rejects. "done" means exit code 0; `output` is the end of stdout and stderr together. */
export function runCommand({ command, args, cwd, env, limitMs, clock }: Command): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const timer = clock.after(limitMs, () => {
      child.kill("SIGKILL");
      end({ kind: "failed", why: `${shown(command, args)} did not end within ${limitMs} ms` });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-KEPT_CHARS);
      });
    }
    child.on("error", (error) => end({ kind: "failed", why: error.message }));
    child.on("close", (code, signal) => {
      if (code === 0) return end({ kind: "done", output });
      end({
        kind: "failed",
        why: `${shown(command, args)} ended with ${signal ?? `code ${code}`}: ${lastWords(output)}`,
      });
    });

    function end(result: CommandEnd): void {
      timer.cancel();
      resolve(result);
    }
  });
}

function shown(command: string, args: readonly string[]): string {
  const verb = args.find((arg) => /^[a-z]/.test(arg));
  return [command.split("/").at(-1), verb].filter((part) => part !== undefined).join(" ");
}

function lastWords(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-2).join(" / ").slice(0, 400) || "it said nothing";
}
