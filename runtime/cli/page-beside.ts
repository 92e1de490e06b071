// The page beside `handlers dev`: a process of its own, so that neither can slow or end the other's work. It ends with dev,
// also when dev is killed: its stdin ends then.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Emit } from "../events.ts";
import { asArguments, type GlobalOptions } from "./global-options.ts";

export interface PageBeside {
  /** In the browser. What goes wrong is told. */
  open(): void;
  /** End it. Safe after it has ended by itself. */
  close(): void;
}

/**
 * What it says is told as notices of dev's.
 *
 * @param how what is to be done for it to be opened; undefined: there is nothing
 */
export function startPageBeside(options: GlobalOptions, emit: Emit, how: string | undefined): PageBeside {
  const [, program = ""] = process.argv;
  // In a session of its own: Ctrl-C is dev's, which then drains, and may be watched doing so.
  const beside = how === undefined ? "--beside" : `--beside=${how}`;
  const child = spawn(process.execPath, [program, "ui", beside, "--payloads", ...asArguments(options)], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const tell = (level: "info" | "warn") => (line: string) => emit({ type: "runtime.notice", level, message: line });
  createInterface({ input: child.stdout }).on("line", tell("info"));
  createInterface({ input: child.stderr }).on("line", tell("warn"));
  child.on("error", (error) => tell("warn")(`the page could not be started: ${error.message}`));
  child.stdin.on("error", () => undefined); // It has ended already.
  child.unref();
  return {
    open() {
      if (child.exitCode === null && child.signalCode === null) child.stdin.write("open\n");
      else tell("warn")("the page has ended: start `handlers ui` to have one");
    },
    close() {
      child.stdin.end();
      child.kill("SIGTERM");
    },
  };
}
