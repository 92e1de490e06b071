// `handlers dev` at a terminal, here that of `script`: the page is opened by what is typed, and the terminal stays the user's.
// @module-tag any-server

import { execFileSync } from "node:child_process";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CliProcess, hasTerminals, startCli } from "../support/cli-process.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

const HELLO = `export const metadata = { subject: "hello" };
export default () => undefined;\n`;
const ADDRESS = /the page: (http:\S+)/;

describe.skipIf(!hasTerminals)("handlers dev at a terminal", () => {
  let before: Set<number>;
  let project: TestProject;
  let opened: string;
  let dev: CliProcess;

  beforeEach(() => {
    before = childProcesses();
    opened = "";
  });

  afterEach(async () => {
    project.end();
    await noneLeft(before);
  });

  /** With a program in the place of the browser. */
  async function start(browser: string): Promise<void> {
    project = createProject({ "hello.ts": HELLO, "../bin/xdg-open": `#!/bin/sh\n${browser}\n` });
    const bin = join(project.rootDir, "bin");
    await chmod(join(bin, "xdg-open"), 0o755);
    opened = join(project.rootDir, "opened");
    execFileSync("mkfifo", [opened]);
    const env = { PATH: `${bin}:${process.env.PATH}`, OPENED: opened };
    dev = startCli(["dev", "--port", "0"], { cwd: project.rootDir, atTerminal: true, env });
  }

  it("o and Enter open it, Ctrl-C ends dev in order", async () => {
    await start(`echo "$1" > "$OPENED"`);
    const [, url] = await dev.printed(ADDRESS);
    await dev.printed(/o and Enter open it/);
    dev.type("something else\n");
    dev.type("o\n");
    expect((await readFile(opened, "utf8")).trim()).toBe(url);
    dev.type("\u0003");
    expect(await dev.ended).toMatchObject({ code: 0 });
  });

  it("without a browser the address is said again", async () => {
    await start("exit 3");
    const [, url = ""] = await dev.printed(ADDRESS);
    dev.type("o\n");
    const [, again] = await dev.printed(
      /no browser could be opened \(xdg-open: it ended with code 3\): open\s+(http:\S+)/,
    );
    expect(again).toBe(url);
    dev.type("\u0003");
    expect(await dev.ended).toMatchObject({ code: 0 });
  });

  it("where stdin is no terminal nothing is read, and no key is spoken of", async () => {
    project = createProject({ "hello.ts": HELLO });
    dev = startCli(["dev", "--port", "0", "--ui"], { cwd: project.rootDir, input: "o\n" });
    const [line = ""] = await dev.printed(/the page: http:.*\n/);
    expect(line).not.toContain("Enter");
    dev.child.kill("SIGTERM");
    await dev.ended;
  });
});
