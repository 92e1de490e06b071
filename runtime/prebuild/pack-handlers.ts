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
import { CompanionsFailed, circleMessage, codeReached } from "../bundle/companions.ts";
import { bundleFailed, bundleWarnings, messagesOf } from "../bundle/diagnostics.ts";
import { importMeta } from "../bundle/import-meta.ts";
import { joined } from "../bundle/preloads.ts";
import { problemsOf } from "../bundle/reached-problems.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { type CompiledFile, compileWhole, type Good } from "./compile-whole.ts";
import { externalPackages } from "./external-packages.ts";
import { BUILD_DIR, bundleStem, mirrored } from "./layout.ts";
import { Outside } from "./outside.ts";
import type { LeftOut } from "./packages.ts";

export interface PackRequest {
  readonly rootDir: string;
  /** Where the build is put together. */
  readonly outDir: string;
  readonly files: readonly HandlerFile[];
  /** What every handler's process loads before its handler. */
  readonly preloads: readonly HandlerFile[];
  /** File URL of the sdk's entry. */
  readonly sdkUrl: string;
  /** Names of packages to leave out although they could be bundled. */
  readonly external: readonly string[];
  /** Export conditions beside Node's own. */
  readonly conditions: readonly string[];
}

export interface Packed {
  /** By handler. */
  readonly results: ReadonlyMap<string, BuildResult>;
  /** Bundles of the preloads, in the build folder. */
  readonly preloads: readonly string[];
  /** The packages that stay outside. */
  readonly leftOut: readonly LeftOut[];
  /** What the bundles import of the zod that they share. */
  readonly zod: ReturnType<Outside["zod"]>;
  /** Absolute paths of files and folders that are no code, and are reached. */
  readonly data: readonly string[];
}

/** Never rejects for what is wrong with a handler: its result says it. Throws USAGE for an `external` that is not there. */
export async function packHandlers({
  rootDir,
  outDir,
  files: handlers,
  preloads,
  sdkUrl,
  external,
  conditions,
}: PackRequest): Promise<Packed> {
  const files = [...handlers, ...preloads];
  const sdkDir = dirname(fileURLToPath(sdkUrl)) + sep;
  const mapDir = join(rootDir, BUILD_DIR);
  const meta = importMeta(rootDir);
  const outside = new Outside(rootDir, external);
  for (const one of externalPackages(external, [rootDir, ...files.map(({ path }) => dirname(path))]))
    outside.leaveOut(one);
  const compiled = await compileWhole({ rootDir, files, sdkUrl, conditions, outside, meta });
  const stored = new Map<string, Promise<Bundle>>();

  async function write(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(outDir, path)), { recursive: true });
    await writeFile(join(outDir, path), content);
  }

  /** What it runs by its place is written first, and once for all. Throws what is wrong with it, as esbuild does. */
  async function store({ file, compiled: own }: CompiledFile, above: readonly string[] = []): Promise<Bundle> {
    if (!own.ok) throw new CompanionsFailed(own.messages);
    const refused = problemsOf(rootDir, own.reached, ["missing", "refused"]);
    if (refused.length > 0) throw new CompanionsFailed(refused);
    const chain = [...above, file.path];
    const parts = codeReached(file, own).map((path) => {
      const part = compiled.get(path)!;
      if (chain.includes(path)) throw new CompanionsFailed([circleMessage(part.file, file)]);
      if (!stored.has(path)) stored.set(path, store(part, chain));
      return stored.get(path)!;
    });
    return writeBundle(file, own, await Promise.all(parts));
  }

  async function writeBundle(file: HandlerFile, own: Good, companions: readonly Bundle[]): Promise<Bundle> {
    const stem = bundleStem(file.displayPath);
    const fromStem = (path: string) => urlPath(posix.relative(posix.dirname(stem), path));
    const placeOf = (path: string) => fromStem(mirrored(rootDir, path));
    const places = new Map(codeReached(file, own).map((path, at) => [path, fromStem(inBuild(companions[at]!.path))]));
    const standIn = (path: string) => (path === file.path ? "" : (places.get(path) ?? placeOf(path)));
    const code = meta.fillInRelocatable(own.code, placeOf, standIn);
    const version = versionOf(file.name, code, []);
    const path = `${stem}.${version}.mjs`;
    await write(path, `${code}//# sourceMappingURL=${urlPath(basename(path))}.map\n`);
    await write(`${path}.map`, relocatable(own.map, dirname(join(mapDir, stem)), file));
    for (const asset of own.assets) await write(relative(mapDir, asset.path), asset.contents);
    const authored = own.inputs.filter((input) => !isPackaged(rootDir, input) && !input.startsWith(sdkDir));
    const inputs = [...new Set([...authored, ...companions.flatMap((one) => one.inputs)])];
    const sizeBytes = Buffer.byteLength(code);
    return { handler: file.name, version, path: join(outDir, path), preload: [], companions, inputs, sizeBytes };
  }

  function inBuild(path: string): string {
    return relative(outDir, path).split(sep).join("/");
  }

  /** The map with each package where an installed one lies: linked ones lie anywhere, and so does the sdk of a clone (P1). */
  function relocatable(map: string, from: string, file: HandlerFile): string {
    const parsed = JSON.parse(map) as { sources: string[] };
    const sources = parsed.sources.map((source) => {
      const path = resolve(from, source);
      // That of a group is nobody's file.
      const installed = path === file.path ? join(rootDir, file.displayPath) : installedPlace(path);
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

  async function resultOf(file: HandlerFile): Promise<BuildResult> {
    const { name, path } = file;
    const one = compiled.get(path)!;
    try {
      const bundle = await store(one);
      const doubts = one.compiled.ok ? problemsOf(rootDir, one.compiled.reached, ["doubtful"]) : [];
      const warnings = one.compiled.ok ? bundleWarnings(rootDir, name, [...one.compiled.warnings, ...doubts]) : [];
      return { ok: true, bundle, warnings };
    } catch (error) {
      return { ok: false, error: bundleFailed(rootDir, name, messagesOf(error)), inputs: [] };
    }
  }

  const loaded = await Promise.all(preloads.map(resultOf));
  const results = handlers.map(async (file) => [file.name, joined(await resultOf(file), loaded)] as const);
  const reached = [...compiled.values()].flatMap(({ compiled: one }) => (one.ok ? one.reached : []));
  return {
    results: new Map(await Promise.all(results)),
    preloads: loaded.flatMap((built) => (built.ok ? [inBuild(built.bundle.path)] : [])),
    leftOut: outside.all(),
    zod: outside.zod(),
    data: reached.flatMap((one) => (one.kind === "file" || one.kind === "folder" ? [one.path] : [])),
  };
}

function urlPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
