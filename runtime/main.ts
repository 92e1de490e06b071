// The process: hands the command line to `cli` and ends with its exit code.

import { run } from "./cli/run.ts";
import { processTerminal } from "./terminal/terminal.ts";

// A reader that has seen enough, such as `head`, closes the pipe: that is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
}

const code = await run(process.argv.slice(2), processTerminal());
await Promise.all([process.stdout, process.stderr].map(written));
// Not left to what is still open: a server that accepts and says nothing would hold the process for as long as it lives.
process.exit(code);

/** Resolves when everything said so far has been handed over. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
