// What `handlers describe` writes, as the official parser of AsyncAPI reads it: the sample, and a project with thirty handlers of
// all kinds.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { QUIETLY, run } from "./packed.ts";

const PARSER = "@asyncapi/parser@3.6.6";

/** Prints what the parser has to say of the document, and what it has found in it. */
const READER = `import { readFileSync } from "node:fs";
import parser from "@asyncapi/parser";
const { document, diagnostics } = await new parser.Parser().parse(readFileSync(process.argv[2], "utf8"));
const told = diagnostics.filter(({ severity }) => severity < 2).map(({ message, path }) => path.join(".") + ": " + message);
console.log(JSON.stringify({ told, channels: document?.channels().length, operations: document?.operations().length }));
`;

interface Reading {
  readonly told: readonly string[];
  readonly channels: number;
  readonly operations: number;
}

let reader: string;
let project: TestProject | undefined;

beforeAll(() => {
  reader = realpathSync(mkdtempSync(join(tmpdir(), "nats-handlers-asyncapi-")));
  writeFileSync(join(reader, "package.json"), JSON.stringify({ name: "reader", type: "module" }));
  writeFileSync(join(reader, "read.js"), READER);
  run(reader, "npm", "install", PARSER, "--ignore-scripts", ...QUIETLY);
}, 600_000);
afterAll(() => rmSync(reader, { recursive: true, force: true }));
afterEach(() => {
  project?.end();
  project = undefined;
});

async function described(rootDir: string): Promise<Reading> {
  const { code, stdout, stderr } = await runCli(["describe"], { cwd: rootDir });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const file = join(reader, "asyncapi.json");
  writeFileSync(file, stdout);
  return JSON.parse(run(reader, process.execPath, "read.js", file)) as Reading;
}

test("the sample is valid", async () => {
  project = createProject();
  project.copySample();
  const { told, operations } = await described(project.rootDir);
  expect(told).toEqual([]);
  expect(operations).toBeGreaterThanOrEqual(4);
}, 120_000);

/** One of each sort, by turns: each says as much of itself as its sort lets it. */
const SORTS = [
  (at: number) => `
    export const metadata = { subject: "shop.placed.${at}", kind: "durable", schema: z.object({ id: z.uuid(), lines: z.array(z.object({ n: z.int() })) }),
      publishes: [defineEvent("shop.billed.${at}", z.object({ cents: z.int(), note: z.string().optional() }))], description: "Bills." };`,
  (at: number) => `
    export const metadata = { subject: ["shop.*.seen.${at}", "shop.all.${at}.>"], schema: z.union([z.string(), z.object({ k: z.literal("a") })]) };`,
  (at: number) => `
    export const metadata = { ...defineRequest("shop.price.${at}", z.object({ id: z.string() }), z.object({ cents: z.int() })), kind: "request" };`,
  (at: number) => `
    export const metadata = { subject: "shop.nightly.${at}", kind: "durable", schedule: { cron: "0 5 * * *", timeZone: "Europe/Berlin" } };`,
  (at: number) => `
    export const metadata = { kind: "durable", kv: "users", subject: "profile.${at}.*", schema: z.object({ name: z.string() }) };`,
  (at: number) => `
    export const metadata = { subject: "shop/odd~name.${at}", envelope: "nest", replicas: "each", publishes: ["shop.plain.${at}"] };`,
];

test("a project with thirty handlers of all kinds is valid", async () => {
  const files = Array.from({ length: 30 }, (_, at) => {
    const metadata = SORTS[at % SORTS.length]!(at);
    const source = `import { defineEvent, defineRequest } from "nats-handlers";\nimport { z } from "zod";${metadata}
    export default () => ({ cents: 1 });`;
    return [`sort-${at % SORTS.length}/h${at}.ts`, source] as const;
  });
  project = createProject(Object.fromEntries(files));
  const { told, channels, operations } = await described(project.rootDir);
  expect(told).toEqual([]);
  // Five of each sort: of durables an event is published beside, of two subjects each is one, and a reply has a channel of its own.
  expect({ channels, operations }).toEqual({
    channels: 5 * (2 + 2 + 2 + 1 + 1 + 2),
    operations: 5 * (2 + 2 + 1 + 1 + 1 + 2),
  });
}, 120_000);
