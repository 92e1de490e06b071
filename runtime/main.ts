// The process: hands the command line to `cli` and ends with its exit code.

import { run } from "./cli/run.ts";
import { processTerminal } from "./cli/terminal.ts";

// A reader that has seen enough, such as `head`, closes the pipe: that is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
}

process.exitCode = await run(process.argv.slice(2), processTerminal());
