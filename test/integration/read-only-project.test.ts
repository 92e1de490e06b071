// A project whose folder may not be written to: a checkout of somebody else, a read-only disk.
// @module-tag any-server

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { runCli, startCli } from "../support/cli-process.ts";
import { startTestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const SOMEBODY = 54_321;
const HANDLER = `import * as z from "zod";
export const metadata = { subject: "shop.order" };
export default (event) => { console.log("ran", z.number().parse(event.n)); };\n`;
const CONFIG = `import * as z from "zod";\nexport default { app: z.string().parse("shop") };\n`;

function checkout(): { project: TestProject; temporary: string } {
  const project = createProject({ "order.js": HANDLER }, "shop");
  cleanups.push(() => project.end());
  const top = dirname(project.rootDir);
  chmodSync(top, 0o755);
  writeFileSync(join(project.rootDir, "handlers.config.ts"), CONFIG);
  const temporary = join(top, "tmp");
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  return { project, temporary };
}

it.runIf(process.getuid?.() === 0)("is served, and operated, by somebody who may only read it", async () => {
  const { project, temporary } = checkout();
  const server = await startTestServer();
  cleanups.push(() => server.stop());
  const options = {
    cwd: project.rootDir,
    env: { NATS_URL: server.url, TMPDIR: temporary, HOME: undefined },
    uid: SOMEBODY,
  };
  const app = startCli(["start"], options);
  cleanups.push(async () => {
    app.child.kill("SIGTERM");
    await app.ended;
  });
  await app.printed(/"msg":"ready: /);
  expect(await runCli(["send", "shop.order", '{"n":7}'], options)).toMatchObject({ code: 0 });
  await app.printed(/ran 7/);
  const ended = await Promise.all(
    [["list"], ["check"], ["status"], ["disable", "order"]].map((words) => runCli(words, options)),
  );
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ""],
    [0, ""],
    [0, ""],
    [0, ""],
  ]);
  expect(ended[3]!.stdout).toContain(`by operator uid ${SOMEBODY}@`);
  const written = await runCli(["new", "other"], options);
  expect(written).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^USAGE: handlers\/other.ts cannot be written: EACCES/),
  });
});

it.runIf(process.getuid?.() === 0)("is tried by `dev` too, and built to a folder that may be written to", async () => {
  const { project, temporary } = checkout();
  const server = await startTestServer();
  cleanups.push(() => server.stop());
  const options = {
    cwd: project.rootDir,
    env: { NATS_URL: server.url, TMPDIR: temporary, HOME: undefined },
    uid: SOMEBODY,
  };
  const app = startCli(["dev"], options);
  cleanups.push(async () => {
    app.child.kill("SIGINT");
    await app.ended;
  });
  await app.printed(/1 handler serving/);
  const refused = await runCli(["build"], options);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/^DISK_REFUSED: .*may not write there/) });
  expect(refused.stderr).not.toMatch(/^ +at /m);
  const out = join(temporary, "build");
  expect(await runCli(["build", "--out", out], options)).toMatchObject({ code: 0, stderr: "" });
  const built = startCli(["start"], { ...options, bin: join(out, "handlers.mjs") });
  await built.printed(/"msg":"ready: /);
  built.child.kill("SIGTERM");
  expect(await built.ended).toMatchObject({ code: 0 });
});
