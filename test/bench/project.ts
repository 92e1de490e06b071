// A project in a folder of its own with generated handler files, in which the packages of this repository are found.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { progressSubject, REPLY, SCHEMA_SOURCE, type Work } from "./work.ts";

const NODE_MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const PROFILE = fileURLToPath(new URL("./measure/profile.ts", import.meta.url));

export interface Project {
  readonly rootDir: string;
  /** Write `handlers/<name>.ts` in one write. */
  write(name: string, source: string): void;
  remove(): void;
}

export function createProject(): Project {
  const rootDir = mkdtempSync(join(tmpdir(), "nats-handlers-bench-"));
  mkdirSync(join(rootDir, "handlers"));
  symlinkSync(NODE_MODULES, join(rootDir, "node_modules"));
  writeFileSync(join(rootDir, "package.json"), JSON.stringify({ name: "bench", type: "module" }));
  return {
    rootDir,
    write: (name, source) => writeFileSync(join(rootDir, "handlers", `${name}.ts`), source),
    remove: () => rmSync(rootDir, { recursive: true, force: true }),
  };
}

/** The handler that does `work`; with `profileFile` it takes a CPU profile of itself, from `setup` to `teardown`. */
export function handlerSource(work: Work, profileFile?: string): string {
  const kind = work.does === "reply" ? "request" : "event";
  const handle = { count: countBody, reply: replyBody, publish: publishBody }[work.does](work);
  return `import { z } from "zod";
${profileFile === undefined ? "" : profiled(profileFile)}
const schema = ${SCHEMA_SOURCE};
export const metadata = { kind: "${kind}", subject: "${work.subject}", schema };
let handled = 0;
export default ${handle};
`;
}

// Not async where nothing is awaited: the raw contender's callback is not either.
function countBody({ name, step }: Work): string {
  return `(event, ctx) => { if (++handled % ${step} === 0) return ctx.publish("${progressSubject(name)}", ""); }`;
}

function replyBody(): string {
  return `() => (${JSON.stringify(REPLY)})`;
}

function publishBody({ name, step }: Work): string {
  return `async (event, ctx) => {
  await ctx.publish("bench.out", { id: event.id });
  if (++handled % ${step} === 0) await ctx.publish("${progressSubject(name)}", "");
}`;
}

function profiled(file: string): string {
  return `import { startProfile, stopProfile } from ${JSON.stringify(PROFILE)};
export const setup = () => startProfile();
export const teardown = () => stopProfile(${JSON.stringify(file)});
`;
}
