// What somebody does who has heard of it today: the package as it is published, `init` in an empty folder, then what it says.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { freePort } from "../support/free-port.ts";
import { env, packedIn, QUIETLY, run } from "./packed.ts";

let folder: string;
let app: string;
let packed: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "nats-handlers-init-")));
  app = join(folder, "shop");
  packed = packedIn(folder);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a project of `npx nats-handlers init` passes its tests and its checks, builds, and serves in `npm run dev`, untouched", async () => {
  const tools = join(folder, "tools");
  mkdirSync(tools);
  run(tools, "npm", "install", packed, ...QUIETLY);
  const said = run(tools, "npx", "nats-handlers", "init", app);
  for (const step of ["npm install", "npm test", "npm run dev"]) expect(said).toContain(`  ${step}\n`);

  run(app, "npm", "install", packed, ...QUIETLY);
  expect(run(app, "npm", "test")).toMatch(/pass 3\n[\s\S]*fail 0\n/);
  run(app, "npm", "run", "check");
  run(app, "npm", "run", "build");

  const dev = spawn("npm", ["run", "dev", "--", "--port", String(await freePort())], { cwd: app, env, detached: true });
  let printed = "";
  for (const stream of [dev.stdout, dev.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const ended = new Promise((resolve) => dev.once("close", resolve));
  try {
    await expect.poll(() => printed, { timeout: 90_000 }).toMatch(/\bready\b/);
    const order = JSON.stringify({ item: "pear", cents: 250 });
    const bin = join(app, "node_modules/nats-handlers/bin/handlers.mjs");
    const asked = await runCli(["request", "orders.place", order], { cwd: app, bin });
    expect(asked, asked.stderr + printed).toMatchObject({ code: 0, stdout: expect.stringContaining('"id"') });
    await expect.poll(() => printed).toContain("confirmed pear");
  } finally {
    process.kill(-(dev.pid ?? 0), "SIGINT");
  }
  await ended;
  expect(printed).not.toMatch(/failed|error/i);
}, 600_000);
