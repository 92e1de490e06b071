// What Node has compiled for workers stays for those that come after them.
// @module-tag any-server

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const ASK = `export const metadata = { subject: "ask", kind: "request" };\nexport default () => process.execArgv.length;`;

it("a worker's program is compiled once, and found by the workers of the next start", async () => {
  const project = createProject({ "ask.js": ASK });
  const folder = join(project.rootDir, ".handlers", "compiled");
  rmSync(folder, { recursive: true, force: true });
  /** The worker's program is by far the largest that there is of it. */
  const largest = () => {
    const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
    const files = entries.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
    return files.map((path) => readFileSync(path)).sort((a, b) => b.length - a.length)[0];
  };
  try {
    const first = await stage.start({ project });
    await expect.poll(() => largest()?.length).toBeGreaterThan(50_000);
    await stage.client.ask("ask");
    await first.close(1_000);
    const before = largest();
    const second = await stage.start({ project });
    await stage.client.ask("ask");
    await second.close(1_000);
    // What Node cannot use it writes anew.
    expect(largest()?.equals(before!)).toBe(true);
  } finally {
    project.end();
  }
});
