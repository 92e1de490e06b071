// `handlers mcp`: what a coding agent may see of the project and of what runs, over stdin and stdout.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { printLine } from "../../terminal/terminal.ts";
import { answerTo, type ToolResult } from "../agent-protocol.ts";
import { type Right, toolsWith } from "../agent-tools.ts";
import type { ExitCode } from "../exit-code.ts";
import { asArguments } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { packageVersion } from "../package-version.ts";

export interface McpOptions {
  readonly payloads?: boolean;
  readonly act?: boolean;
}

const MOST_CHARS = 100_000;

/** Resolves when stdin has ended and everything asked is answered. */
export async function mcp({ terminal, options }: Invocation<McpOptions>): Promise<ExitCode> {
  const rights = new Set<Right>(["look"]);
  if (options.payloads === true) rights.add("payloads");
  if (options.act === true) rights.add("act");
  const always = asArguments(options);
  // A process for each: a command may hang, print what it wants, and end as it ends.
  const run = ([command = "", ...rest]: readonly string[]) => runCommand([command, ...always, ...rest], terminal.cwd);
  const server = { version: packageVersion(), tools: toolsWith(rights), run };
  const answering = new Set<Promise<void>>();
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    const answered = answerTo(line, server).then((answer) => {
      if (answer !== undefined) printLine(terminal.out, JSON.stringify(answer));
      answering.delete(answered);
    });
    answering.add(answered);
  }
  await Promise.all(answering);
  return 0;
}

async function runCommand(args: readonly string[], cwd: string): Promise<ToolResult> {
  const [, program = ""] = process.argv;
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on("error", () => resolve(null));
    child.on("close", resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const all = [out.trim(), err.trim()].filter((part) => part !== "").join("\n\n") || `exit code ${code}`;
  return {
    text: all.length > MOST_CHARS ? `${all.slice(0, MOST_CHARS)}\n(cut: ${all.length} characters)` : all,
    failed: code !== 0,
  };
}
