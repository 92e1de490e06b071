// Has the browser of whoever sits at this machine open an address. Where there is none, it says so with the address: they can
// open it elsewhere.

import { spawn } from "node:child_process";

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: "open", win32: "explorer" };

/** Returns at once. @param tell a line that says what went wrong */
export function openInBrowser(url: string, tell: (line: string) => void): void {
  const command = OPENERS[process.platform] ?? "xdg-open";
  const child = spawn(command, [url], { stdio: "ignore", detached: true });
  const failed = (why: string) => tell(`no browser could be opened (${command}: ${why}): open ${url} yourself`);
  child.once("error", (error) => failed(error.message));
  // explorer ends with 1 also where it has opened it.
  child.once("exit", (code) => {
    if (code !== 0 && code !== null && process.platform !== "win32") failed(`it ended with code ${code}`);
  });
  child.unref();
}
