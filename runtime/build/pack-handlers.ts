// Every handler as one module that needs nothing beside it: written to the build, not yet looked at.
//
// P1  The same sources give the same bytes, wherever they lie: no absolute path and no time goes in.
// P2  Names stay as the author wrote them, so that stacks can be read; only white space and syntax are made shorter.
// P3  A bundle's name holds its version: a build replaced under a running process is missed, not mixed up.

import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, posix, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { isPackaged } from "../bundle/bare-imports.ts";
import { versionOf } from "../bundle/build-folder.ts";
import type { Bundle } from "../bundle/bundle.ts";
import type { BuildResult } from "../bundle/bundler.ts";
import { type Compiled, createCompiler } from "../bundle/compiler.ts";
import { bundleFailed, bundleWarnings } from "../bundle/diagnostics.ts";
import { importMeta } from "../bundle/import-meta.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { BUILD_DIR, bundleStem, mirrored } from "./layout.ts";
import { shakeZod, wholeImports } from "./whole-imports.ts";

export interface PackRequest {
  readonly rootDir: string;
  /** Where the build is put together. */
  readonly outDir: string;
  readonly files: readonly HandlerFile[];
  /** File URL of the sdk's entry. */
  readonly sdkUrl: string;
  readonly external: readonly string[];
}

export interface Packed {
  /** By handler. */
  readonly results: ReadonlyMap<string, BuildResult>;
  /** Folder of each package that stays out, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** Never rejects for what is wrong with a handler: its result says it. */
export async function packHandlers({ rootDir, outDir, files, sdkUrl, external }: PackRequest): Promise<Packed> {
  const sdkDir = dirname(fileURLToPath(sdkUrl)) + sep;
  // Where it will lie, as far as the paths in source maps are concerned (P1).
  const mapDir = join(rootDir, BUILD_DIR);
  const imports = wholeImports({ rootDir, sdkUrl, external });
  const meta = importMeta(rootDir, shakeZod);
  const compiler = createCompiler({
    rootDir,
    outDir: mapDir,
    plugins: [imports.plugin, meta.plugin],
    stemOf: ({ displayPath }) => bundleStem(displayPath),
    settings: {
      minifySyntax: true,
      minifyWhitespace: true,
      loader: { ".node": "copy", ".wasm": "copy" },
      assetNames: "[dir]/[name]-[hash]",
    },
  });

  async function write(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(outDir, path)), { recursive: true });
    await writeFile(join(outDir, path), content);
  }

  async function store(file: HandlerFile, compiled: Extract<Compiled, { ok: true }>): Promise<Bundle> {
    const stem = bundleStem(file.displayPath);
    const placeOf = (path: string) => urlPath(posix.relative(posix.dirname(stem), mirrored(rootDir, path)));
    const code = meta.fillInRelocatable(compiled.code, placeOf);
    const version = versionOf(file.name, code, []);
    const path = `${stem}.${version}.mjs`;
    await write(path, `${code}//# sourceMappingURL=${urlPath(basename(path))}.map\n`);
    await write(`${path}.map`, relocatable(compiled.map, dirname(join(mapDir, stem))));
    for (const asset of compiled.assets) await write(relative(mapDir, asset.path), asset.contents);
    const inputs = compiled.inputs.filter((input) => !isPackaged(rootDir, input) && !input.startsWith(sdkDir));
    return { handler: file.name, version, path: join(outDir, path), inputs, sizeBytes: Buffer.byteLength(code) };
  }

  /** The map with each package where an installed one lies: linked ones lie anywhere, and so does the sdk of a clone (P1). */
  function relocatable(map: string, from: string): string {
    const parsed = JSON.parse(map) as { sources: string[] };
    const sources = parsed.sources.map((source) => {
      const installed = installedPlace(resolve(from, source));
      return installed === undefined ? source : relative(from, installed).split(sep).join("/");
    });
    return JSON.stringify({ ...parsed, sources });
  }

  function installedPlace(path: string): string | undefined {
    const packages = join(rootDir, "node_modules");
    if (path.startsWith(sdkDir)) return join(packages, "nats-handlers", "sdk", path.slice(sdkDir.length));
    const [, below] = /^.*[\\/]node_modules[\\/](.*)$/s.exec(path) ?? [];
    return path.startsWith(rootDir + sep) || below === undefined ? undefined : join(packages, below);
  }

  async function resultOf(file: HandlerFile, compiled: Compiled): Promise<BuildResult> {
    const { name } = file;
    if (!compiled.ok) return { ok: false, error: bundleFailed(rootDir, name, compiled.messages), inputs: [] };
    const warnings = bundleWarnings(rootDir, name, compiled.warnings);
    return { ok: true, bundle: await store(file, compiled), warnings };
  }

  try {
    const compiled = files.length === 0 ? [] : await compiler.compile(files);
    const results = files.map(async (file, at) => [file.name, await resultOf(file, compiled[at]!)] as const);
    return { results: new Map(await Promise.all(results)), leftOut: imports.leftOut };
  } finally {
    await compiler.rest();
  }
}

function urlPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
