// Files that a handler runs by their place, followed by a running `dev`.
// @module-tag any-server

import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const WORKER = (word: string) => `import { parentPort } from "node:worker_threads"; enum Word { said = "${word}" }
parentPort!.postMessage(Word.said as string);`;

const ASKING = `import { once } from "node:events"; import { Worker } from "node:worker_threads";
export const metadata = { subject: "ask", kind: "request" };
export default async () => {
  const worker = new Worker(new URL("./_workers/w.ts", import.meta.url));
  const [said] = await once(worker, "message");
  await worker.terminate();
  return said;
};`;

it("a worker's file is TypeScript as any other, and a save of it is a save of the handler", async () => {
  const app = await stage.start({ handlers: { "ask.ts": ASKING, "_workers/w.ts": WORKER("one") } });
  expect((await stage.client.ask("ask")).value).toBe("one");
  const save = () => app.project.write("_workers/w.ts", WORKER("two"));
  await app.after(save, "handler.serving", { handler: "ask" });
  expect((await stage.client.ask("ask")).value).toBe("two");
});

it("a worker's file that was missing is followed", async () => {
  const app = await stage.start({ handlers: {} });
  const failed = await app.after(() => app.project.write("ask.ts", ASKING), "handler.failed", { handler: "ask" });
  expect(failed.error).toMatchObject({
    place: { file: "handlers/ask.ts", line: 4 },
    message: expect.stringContaining("names a file that is not there"),
  });
  await app.after(() => app.project.write("_workers/w.ts", WORKER("made")), "handler.serving", { handler: "ask" });
  expect((await stage.client.ask("ask")).value).toBe("made");
});
