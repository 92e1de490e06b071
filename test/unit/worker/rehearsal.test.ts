import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { placePreload } from "../../../runtime/bundle/preload.ts";
import { rehearse } from "../../../runtime/worker/rehearsal.ts";

const ZOD = fileURLToPath(new URL("../../../node_modules/zod", import.meta.url));
let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "rehearsal-")));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What the schema of the rehearsed handler says to a message, in a project whose zod, if any, is ours. */
async function rehearsedWith(zod: string | undefined): Promise<unknown> {
  mkdirSync(join(root, "node_modules"));
  if (zod !== undefined) symlinkSync(zod, join(root, "node_modules/zod"));
  const preload = await placePreload(root);
  // In a process of its own: vitest has its own ways of finding packages.
  const code = `const { metadata } = await import((await import(${JSON.stringify(preload)})).rehearsal);
const { vendor, validate } = metadata.schema["~standard"];
console.log(JSON.stringify({ vendor, said: validate({ number: 1, text: "a" }) }));`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }));
}

describe("a rehearsal", () => {
  test("hands the handler a message of each kind, and confirms what it publishes", async () => {
    const told: unknown[] = [];
    Object.assign(globalThis, { told });
    const path = join(root, "handler.mjs");
    writeFileSync(
      path,
      `const schema = { "~standard": { version: 1, vendor: "none", validate: (value) => ({ value: { ...value, read: true } }) } };
export const metadata = { subject: "any", schema };
export default async (event, ctx) => {
  told.push(event, ctx.subject, await ctx.publish("any", event));
};`,
    );
    await rehearse(pathToFileURL(path).href);
    const once = [{ number: 1, text: "a", read: true }, "rehearsal", undefined];
    expect(told).toEqual([...once, ...once]);
  });

  const said = { value: { number: 1, text: "a" } };

  test("is of a handler with a zod schema, where the project has zod", async () => {
    expect(await rehearsedWith(ZOD)).toEqual({ vendor: "zod", said });
  });

  test("is of a handler with any schema, where the project has none", async () => {
    expect(await rehearsedWith(undefined)).toEqual({ vendor: "none", said });
  });
});
