// What is typed at the terminal while a command runs: whole lines, as the terminal gives them. Keys are not read one by one: that
// takes Ctrl-C, Ctrl-Z and the echo away from the terminal, and a process that is killed leaves it so.
//
// T1  Whoever reads in the background is stopped by the system: there nothing is read, until it is in the foreground again.

import { execFile } from "node:child_process";
import { createInterface } from "node:readline";

/** Calls back for each line, trimmed. Returns what ends it. Not to be called where stdin is no terminal. */
export function onTypedLine(input: NodeJS.ReadStream, take: (line: string) => void): () => void {
  const lines = createInterface({ input, terminal: false });
  lines.on("line", (line) => take(line.trim()));
  input.on("error", () => lines.close()); // The terminal has gone.
  const look = () => {
    lines.pause();
    isInForeground((isIn) => isIn && !closed && lines.resume());
  };
  let closed = false;
  process.on("SIGCONT", look);
  look();
  return () => {
    closed = true;
    process.off("SIGCONT", look);
    lines.close();
    input.unref();
  };
}

/** T1. Where it cannot be known, it is. */
function isInForeground(told: (isIn: boolean) => void): void {
  execFile("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], (error, text) => {
    const [own, foreground] = text.trim().split(/\s+/);
    told(error !== null || own === foreground);
  });
}
