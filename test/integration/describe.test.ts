// @module-tag any-server

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { createProject, type TestProject } from "../support/project.ts";

const EVENTS = `import { z } from "zod";
export const ordered = { subject: "shop.ordered", schema: z.object({ id: z.string() }) };\n`;
const saving = (schema: string) => `import { z } from "zod";
import { ordered } from "./_events.ts";
export const metadata = { subject: "shop.order", publishes: [ordered], schema: ${schema} };
export default () => {};\n`;
const DATED = `import { z } from "zod";
export const metadata = { subject: "shop.date", schema: z.object({ at: z.date() }) };
export default () => {};\n`;

let project: TestProject;
beforeEach(() => {
  project = createProject({
    "_events.ts": EVENTS,
    "save.ts": saving("z.object({ id: z.string() })"),
    "dated.ts": DATED,
  });
});
afterEach(() => project.end());

const cli = (...args: string[]) => runCli(args, { cwd: project.rootDir });
const save = (source: string) => writeFileSync(join(project.rootDir, "handlers/save.ts"), source);

describe("handlers describe", () => {
  it("writes what handlers take and publish, and says what cannot be written", async () => {
    const { code, stdout: out, stderr: err } = await cli("describe");
    expect(code).toBe(0);
    const { operations, components } = JSON.parse(out) as { operations: object; components: { messages: object } };
    expect(Object.keys(operations)).toEqual(["dated", "save", "save publishes shop.ordered"]);
    expect(components.messages).toMatchObject({
      "shop.ordered": { payload: { schema: { type: "object", required: ["id"] } } },
      "shop.order": { payload: { schema: { properties: { id: { type: "string" } } } } },
    });
    expect(err).toMatch(/the schema of "shop\.date" in handler "dated" cannot be described: Date/);
  });

  it("says what breaks whom, and ends with 1; what breaks nobody with 0", async () => {
    const base = join(project.rootDir, "base.json");
    writeFileSync(base, (await cli("describe")).stdout);
    save(saving("z.object({ id: z.string(), note: z.string().optional() })"));
    expect(await cli("describe", "--check", "base.json")).toMatchObject({ code: 0, stdout: "" });
    save(saving("z.object({ id: z.string(), note: z.string() })"));
    const { code, stdout: out } = await cli("describe", "--check", "base.json");
    expect({ code, out }).toEqual({
      code: 1,
      out: '✗ shop.order: "note" is required, and may be missing (required) · breaks senders\n',
    });
  });

  it("refuses a document that is none, and a project that does not check", async () => {
    writeFileSync(join(project.rootDir, "base.json"), "{}");
    const refused = await cli("describe", "--check", "base.json");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/base\.json is no document of `handlers describe`/);
    save("export const metadata = {};\nexport default () => {};\n");
    const broken = await cli("describe");
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/METADATA_INVALID/);
  });
});
