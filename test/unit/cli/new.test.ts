import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectRoot } from "../../../runtime/cli/global-options.ts";
import { handlerSource, KINDS } from "../../../runtime/cli/handler-template.ts";
import { run } from "../../../runtime/cli/run.ts";
import { fakeTerminal } from "./fake-terminal.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nats-handlers-new-"));
  await writeFile(join(folder, "package.json"), "{}");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function create(...args: string[]) {
  const terminal = fakeTerminal({ cwd: folder });
  return { code: await run(["new", ...args], terminal), stdout: terminal.stdout(), stderr: terminal.stderr() };
}

const source = (name: string) => readFile(join(folder, "handlers", name), "utf8");

describe("handlers new", () => {
  it("writes a handler whose subject is its name with dots, and says what to do next", async () => {
    const { code, stdout } = await create("orders/created");
    expect(code).toBe(0);
    expect(await source("orders/created.ts")).toBe(handlerSource("event", "orders.created"));
    expect(stdout).toContain("npx handlers dev");
    expect(stdout).toContain("npx handlers send orders.created");
  });

  it("takes kind and subject; the example is a subject that can be published to", async () => {
    const { stdout } = await create("price", "--kind", "request", "--subject", "price.*.>");
    expect(await source("price.ts")).toContain('subject: "price.*.>",\n  kind: "request",');
    expect(stdout).toContain("npx handlers request price.example.example");
  });

  it.each(["handlers/hello.ts", "./handlers/hello", "hello.ts"])("takes %s for hello", async (word) => {
    expect((await create(word)).code).toBe(0);
    expect(existsSync(join(folder, "handlers/hello.ts"))).toBe(true);
  });

  it.each([
    ["vitest", { devDependencies: { vitest: "^5" } }, 'from "vitest"', "npx vitest run"],
    ["jest", { devDependencies: { jest: "^31" } }, 'from "@jest/globals"', "npx jest"],
    ["Node's own runner", {}, 'from "node:test"', "node --test"],
  ])("writes a test for %s, of a message that the handler takes", async (_runner, manifest, imported, command) => {
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
    const { stdout } = await create("orders/paid", "--subject", "orders.*.paid", "--test");
    const test = await source("orders/paid.test.ts");
    expect(test).toContain(imported);
    expect(test).toContain('import * as handler from "./paid.ts";');
    expect(test).toContain('{ subject: "orders.example.paid" }');
    expect(stdout).toContain(`${command} handlers/orders/paid.test.ts`);
  });

  it("never overwrites, whatever the file's ending", async () => {
    await mkdir(join(folder, "handlers"));
    await writeFile(join(folder, "handlers/hello.mjs"), "mine");
    const { code, stderr } = await create("hello");
    expect(code).toBe(2);
    expect(stderr).toContain("handlers/hello.mjs exists already");
    expect(existsSync(join(folder, "handlers/hello.ts"))).toBe(false);
  });

  it.each(["_hidden", "a/.b", "two words", "../outside", "a.test", "über"])("refuses the name %j", async (name) => {
    const { code, stderr } = await create(name);
    expect(code).toBe(2);
    expect(stderr).toContain(`cannot be called ${JSON.stringify(name)}`);
  });

  it("refuses a subject that no handler can take", async () => {
    expect(await create("x", "--subject", "a..b")).toMatchObject({ code: 2 });
  });

  it.each(KINDS)("writes a %s handler without template marks left", (kind) => {
    expect(handlerSource(kind, "a.b")).not.toMatch(/undefined|\$\{/);
    expect(
      handlerSource(kind, "a.b")
        .split("\n")
        .every((line) => line.length <= 120),
    ).toBe(true);
  });
});

describe("the project's folder", () => {
  it("is the nearest one at or above with a package.json or a configuration, else the current one", async () => {
    const deep = join(folder, "handlers", "todo");
    await mkdir(deep, { recursive: true });
    expect(projectRoot(deep, undefined)).toBe(folder);
    expect(projectRoot(deep, "..")).toBe(join(folder, "handlers"));
    await writeFile(join(folder, "handlers", "handlers.config.mjs"), "");
    expect(projectRoot(deep, undefined)).toBe(join(folder, "handlers"));
  });
});
