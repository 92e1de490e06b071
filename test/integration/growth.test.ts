// Saves leave nothing behind: not in the build folder, not among the processes, not in the supervisor.
// @module-tag any-server

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { workerProcesses } from "../support/processes.ts";
import { fixture } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
const SAVES = volume(300);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const answering = (version: string | number) =>
  `${fixture("answers-version.ts", { VERSION: version, SUBJECT: "grows" })}// ${"padding ".repeat(1_000)}\n`;

/** Whatever lies in the project's own folder. */
function filesKept({ project }: TestRuntime): string[] {
  return readdirSync(join(project.rootDir, ".handlers"), { recursive: true, encoding: "utf8" }).sort();
}

function heapMiB(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024 ** 2;
}

it(`${SAVES} saves leave build folder, processes and heap as they were`, async () => {
  const app = await stage.start({ handlers: { "grows.ts": answering(0) } });
  const save = async (version: number | string) => {
    const from = app.mark();
    app.project.write("grows.ts", answering(version));
    await app.next("handler.serving", {}, from);
    await app.next("generation.retired", {}, from);
  };
  // Once around everything first: what is loaded and compiled at the first save stays, and is no growth.
  for (let n = 0; n < 30; n++) await save(`warm ${n}`);
  const files = filesKept(app).length;
  const heap = heapMiB();
  for (let n = 1; n <= SAVES; n++) {
    // Every tenth one is bad, so failed candidates are counted too.
    if (n % 10 === 0) {
      const spoil = () => app.project.write("grows.ts", `${fixture("throws-at-import.ts")}// ${n}`);
      await app.after(spoil, "handler.failed");
    }
    await save(n);
  }
  expect(filesKept(app)).toHaveLength(files);
  expect(heapMiB() - heap).toBeLessThan(6);
  expect((await stage.client.ask("grows")).value).toBe(String(SAVES));
  // The one that serves, and the warm one, which may just be starting.
  expect(workerProcesses().length).toBeLessThanOrEqual(3);
}, 240_000);
