// esbuild runs where something may be built at any moment, and nowhere else: it takes more memory than a worker.
// @module-tag any-server

import { expect, it } from "vitest";
import { delay, systemClock } from "../../runtime/clock.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { ended, esbuildProcesses } from "../support/processes.ts";
import { createProject } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage(undefined, { keepsEsbuild: false });

const answering = (subject: string, value: string) =>
  `export const metadata = { subject: "${subject}", kind: "request" };\nexport default (): string => "${value}";\n`;
const answer = async (subject: string) => (await stage.client.ask(subject)).value;

/** Resolves when none runs; the runner's timeout is the limit. */
async function noEsbuild(): Promise<void> {
  while (esbuildProcesses().length > 0) await delay(systemClock, 5);
}

it("`start` from sources runs no esbuild once all is built, and `reload` takes up a changed file all the same", async () => {
  const project = createProject({ "price.ts": answering("price", "old"), "count.ts": answering("count", "old") });
  const cli = { cwd: project.rootDir, env: { NATS_URL: stage.server.url } };
  const start = startCli(["start"], cli);
  try {
    await start.printed(/"msg":"ready: /);
    await noEsbuild();
    for (const saved of ["first", "second"]) {
      project.write("price.ts", answering("price", saved));
      const { code, stdout } = await runCli(["reload", "price"], cli);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^↻ price /)]);
      expect(await answer("price")).toBe(saved);
      await noEsbuild();
    }
    // A save that does not build is told as ever, and changes nothing.
    project.write("price.ts", "export default = 1;");
    const { code, stderr, stdout } = await runCli(["reload", "price"], cli);
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining("Unexpected")]);
    expect([await answer("price"), await answer("count")]).toEqual(["second", "old"]);
    await noEsbuild();
  } finally {
    start.child.kill("SIGTERM");
    await start.ended;
    project.end();
  }
});

it("many handlers reloaded at once, and one after another, all come up", async () => {
  const names = Array.from({ length: 20 }, (_, at) => `h${at}`);
  const handlers = Object.fromEntries(names.map((name) => [`${name}.ts`, answering(name, "old")]));
  const app = await stage.start({ mode: "start", handlers });
  await noEsbuild();
  for (const name of names) app.project.write(`${name}.ts`, answering(name, "new"));
  // The last ones are asked for when the first have been built, and esbuild is about to end, or has ended.
  await Promise.all(names.slice(0, 10).map((name) => app.runtime.reload(name)));
  for (const name of names.slice(10)) await app.runtime.reload(name);
  expect(await Promise.all(names.map(answer))).toEqual(names.map(() => "new"));
  expect(app.told("handler.failed")).toEqual([]);
  await noEsbuild();
});

it("two runtimes of one process share one esbuild, and neither ends it under the other", async () => {
  const [first, second] = await Promise.all(
    ["one", "two"].map((name) =>
      stage.start({ mode: "start", handlers: { [`${name}.ts`]: answering(name, "old") }, config: { app: name } }),
    ),
  );
  const dev = await stage.start({ handlers: { "three.ts": answering("three", "old") }, config: { app: "three" } });
  const [esbuild] = esbuildProcesses();
  await Promise.all([first?.runtime.reload("one"), second?.runtime.reload("two")]);
  expect(esbuildProcesses()).toEqual([esbuild]);
  await dev.close();
  await noEsbuild();
});

it("in `dev` one and the same esbuild builds save after save", async () => {
  const app = await stage.start({ handlers: { "price.ts": answering("price", "old") } });
  const [esbuild] = esbuildProcesses();
  expect(esbuild).toBeGreaterThan(0);
  for (const saved of ["first", "second", "third"]) {
    await live(app, () => app.project.write("price.ts", answering("price", saved)));
    expect(await answer("price")).toBe(saved);
    expect(esbuildProcesses()).toEqual([esbuild]);
  }
  await app.close();
  await ended(esbuild ?? 0);
});

const live = (app: TestRuntime, save: () => void) =>
  app.after(save, "handler.serving", { handler: "price", why: "reload" });
