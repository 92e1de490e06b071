// Handlers, and what they reach, compiled with all they need in them. Several times over, where the first time shows that a
// package must stay outside (outside.ts).
//
// P4  An author's `import "./register"` runs whatever `sideEffects` says, as it does in Node and in `dev`.

import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { isPackaged } from "../bundle/bare-imports.ts";
import { codeReached, companionFile } from "../bundle/companions.ts";
import { type Compiled, createCompiler } from "../bundle/compiler.ts";
import { conditionsOf } from "../bundle/conditions.ts";
import { decoratorMetadata } from "../bundle/decorator-metadata.ts";
import type { ImportMeta } from "../bundle/import-meta.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { BUILD_DIR, bundleStem } from "./layout.ts";
import { packagesNamedIn } from "./named-in-text.ts";
import type { Outside } from "./outside.ts";
import { findPackage } from "./packages.ts";
import { wholeImports } from "./whole-imports.ts";

export interface CompileWholeRequest {
  readonly rootDir: string;
  readonly files: readonly HandlerFile[];
  /** File URL of the sdk's entry. */
  readonly sdkUrl: string;
  /** Export conditions beside Node's own. */
  readonly conditions: readonly string[];
  readonly outside: Outside;
  readonly meta: ImportMeta;
}

export type Good = Extract<Compiled, { ok: true }>;

export interface CompiledFile {
  readonly file: HandlerFile;
  readonly compiled: Compiled;
}

/** Enough for each package to be found outside, and for what comes with it. */
const MOST_ROUNDS = 5;

/** By path: the files, and what they run by its place. */
export async function compileWhole(request: CompileWholeRequest): Promise<Map<string, CompiledFile>> {
  const { rootDir, outside } = request;
  const done = new Map<string, CompiledFile>();
  let due = request.files;
  for (let round = 1; due.length > 0; round++) {
    const results = await compileRound(due, request);
    for (const one of results) done.set(one.file.path, one);
    const good = results.flatMap(({ file, compiled }) => (compiled.ok ? [{ file, compiled }] : []));
    for (const { compiled } of good) leaveOutByName(compiled, request);
    const isOutdated = outside.learn(good.flatMap(({ compiled }) => compiled.bound));
    const reached = new Set(good.flatMap(({ file, compiled }) => codeReached(file, compiled)));
    const again =
      round < MOST_ROUNDS
        ? [...done.values()].filter(({ compiled }) => compiled.ok && isOutdated(compiled.inputs))
        : [];
    due = [
      ...again.map(({ file }) => file),
      ...[...reached].filter((path) => !done.has(path)).map((path) => companionFile(rootDir, path)),
    ];
  }
  return done;
}

/** What is not imported, and yet loaded. */
function leaveOutByName({ reached, inputs }: Good, { rootDir, sdkUrl, outside }: CompileWholeRequest): void {
  for (const one of reached) {
    const folder = one.kind === "package" ? findPackage(dirname(one.path), one.name) : undefined;
    if (one.kind === "package" && folder !== undefined)
      outside.leaveOut({ name: one.name, folder, reason: "is required by its name" });
  }
  // The sdk of a clone names packages in what it says of them.
  const sdkDir = dirname(fileURLToPath(sdkUrl)) + sep;
  const authored = inputs.filter((path) => !isPackaged(rootDir, path) && !path.startsWith(sdkDir));
  for (const named of packagesNamedIn(authored, rootDir)) outside.leaveOut(named);
}

/** P4. */
async function compileRound(files: readonly HandlerFile[], request: CompileWholeRequest): Promise<CompiledFile[]> {
  const compiled = await compileWith({ ignoreAnnotations: false }, files, request);
  const byName = new Map(files.map(({ name }, at) => [name, compiled[at]!]));
  const short = files.filter(({ name }) => leavesOutImports(byName.get(name)!));
  const whole = await compileWith({ ignoreAnnotations: true }, short, request);
  for (const [at, { name }] of short.entries()) byName.set(name, whole[at]!);
  return files.map((file) => ({ file, compiled: byName.get(file.name)! }));
}

async function compileWith(
  settings: { ignoreAnnotations: boolean },
  files: readonly HandlerFile[],
  { rootDir, sdkUrl, conditions, outside, meta }: CompileWholeRequest,
): Promise<Compiled[]> {
  if (files.length === 0) return [];
  const compiler = createCompiler({
    rootDir,
    // Where it will lie, as far as the paths in source maps are concerned (P1).
    outDir: join(rootDir, BUILD_DIR),
    plugins: [wholeImports({ rootDir, sdkUrl, outside }), decoratorMetadata()],
    meta,
    conditions: () => conditionsOf(rootDir, conditions),
    stemOf: ({ displayPath }) => bundleStem(displayPath),
    settings: {
      minifySyntax: true,
      minifyWhitespace: true,
      loader: { ".node": "copy", ".wasm": "copy" },
      assetNames: "[dir]/[name]-[hash]",
      ...settings,
    },
  });
  try {
    return await compiler.compile(files);
  } finally {
    await compiler.rest();
  }
}

/** esbuild has taken a package.json at its word, which says that a module need not run when nobody uses a name of it. */
function leavesOutImports(compiled: Compiled): boolean {
  return compiled.ok && compiled.warnings.some(({ id }) => id === "ignored-bare-import");
}
