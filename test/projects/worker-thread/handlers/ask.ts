// Code and files that are reached by their place, not by an import.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

const require = createRequire(import.meta.url);

export const metadata = { subject: "worker-thread.ask", kind: "request" } as const;
export default async () => {
  const worker = new Worker(new URL("./_workers/answer.ts", import.meta.url));
  const [said] = await once(worker, "message");
  await worker.terminate();
  const { later } = await import(new URL("../lib/later.ts", import.meta.url).href);
  const letter = await readFile(new URL("../lib/letter.html", import.meta.url), "utf8");
  return [said, later, require("../lib/words.json").hello, letter.trim()];
};
