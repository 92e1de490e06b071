// Starts the process that carries out one order of the page's. It is in a session of its own, and holds nothing of ours: neither
// Ctrl-C nor the end of the page ends it.

import { spawn } from "node:child_process";
import type { Order } from "../page/order.ts";
import { asArguments, type GlobalOptions } from "./global-options.ts";

/** Resolves when it has carried it out; rejects when it could not be started, or has failed before it could tell. */
export function startOrder(order: Order, options: GlobalOptions): Promise<void> {
  const [, program = ""] = process.argv;
  const child = spawn(process.execPath, [program, "carry-out", ...asArguments(options)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.stdin.on("error", () => undefined); // It has ended: its code says how.
  child.stdin.end(JSON.stringify(order));
  child.unref();
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`its process ended with ${signal ?? `code ${code}`}: begin again`));
    });
  });
}
