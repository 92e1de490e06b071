// What this process holds, which in these tests is the supervisor: memory after a collection, and open descriptors.

import { readdirSync, readlinkSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { delay, systemClock } from "../../runtime/clock.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Heap and Buffers in MiB, after full collections: what the first one leaves to finalizers, the second one counts. */
export async function heldMiB(): Promise<number> {
  collectGarbage();
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 ** 2;
}

/** Open descriptors by what they are; 0 of each where the system does not tell. */
export function openDescriptors(): number {
  if (process.platform !== "linux") return 0;
  const folder = "/proc/self/fd";
  return readdirSync(folder).filter((fd) => {
    try {
      return /^(socket|pipe|\/)/.test(readlinkSync(`${folder}/${fd}`));
    } catch {
      return false; // The one with which the folder was read.
    }
  }).length;
}

/** Resolves when no more descriptors are open than `before`; the runner's timeout is the limit. */
export async function noDescriptorsLeft(before: number): Promise<void> {
  while (openDescriptors() > before) await delay(systemClock, 5);
}
