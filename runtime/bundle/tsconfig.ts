// What tsconfig.json says of a source: of the nearest one, with all that it extends.
//
// esbuild reads it by itself for what it knows (paths, JSX, decorators). Here stands what else is needed of it: which files
// it consists of, so that they are followed, and what esbuild leaves out.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";

export interface CompilerOptions {
  readonly customConditions?: readonly string[];
  readonly experimentalDecorators?: boolean;
  readonly emitDecoratorMetadata?: boolean;
  readonly paths?: Readonly<Record<string, readonly string[]>>;
  readonly baseUrl?: string;
}

export interface TsConfig {
  /** Absolute paths: the nearest, and what it extends, whether it is there or not. */
  readonly files: readonly string[];
  /** `baseUrl`, and what `paths` name, as absolute paths. */
  readonly options: CompilerOptions;
}

const NONE: TsConfig = { files: [], options: {} };

/** Of the sources in `folder`. `known` is asked and filled by folder: it serves as long as no file changes. */
export function tsconfigOf(folder: string, known: Map<string, TsConfig>): TsConfig {
  const found = known.get(folder);
  if (found !== undefined) return found;
  const path = join(folder, "tsconfig.json");
  const above = dirname(folder);
  const config = existsSync(path) ? read(path, new Set()) : above === folder ? NONE : tsconfigOf(above, known);
  known.set(folder, config);
  return config;
}

function read(path: string, within: ReadonlySet<string>): TsConfig {
  if (within.has(path)) return NONE;
  const { extends: bases = [], compilerOptions = {} } = parse(path);
  const folder = dirname(path);
  const below = [bases].flat().map((base) => read(pathOf(folder, base), new Set(within).add(path)));
  const { paths, baseUrl, ...rest } = compilerOptions;
  const from = resolve(folder, baseUrl ?? ".");
  const own = {
    ...rest,
    ...(baseUrl === undefined ? {} : { baseUrl: from }),
    ...(paths === undefined ? {} : { paths: absolute(paths, from) }),
  };
  return {
    files: [path, ...below.flatMap(({ files }) => files)],
    options: Object.assign({}, ...below.map(({ options }) => options), own),
  };
}

function absolute(paths: NonNullable<CompilerOptions["paths"]>, from: string): NonNullable<CompilerOptions["paths"]> {
  return Object.fromEntries(Object.entries(paths).map(([name, to]) => [name, to.map((path) => resolve(from, path))]));
}

function pathOf(folder: string, base: string): string {
  const isPath = isAbsolute(base) || /^\.{1,2}([\\/]|$)/.test(base);
  const named = base.endsWith(".json") ? base : `${base}.json`;
  if (isPath) return resolve(folder, named);
  for (const name of [base, named, `${base}/tsconfig.json`]) {
    try {
      return createRequire(join(folder, "x.js")).resolve(name);
    } catch {
      // by another of its names, or not installed yet
    }
  }
  return join(folder, "node_modules", named);
}

interface Written {
  readonly extends?: string | readonly string[];
  readonly compilerOptions?: CompilerOptions;
}

/** JSON with comments and trailing commas. What cannot be read says nothing: esbuild tells what is wrong with it. */
function parse(path: string): Written {
  try {
    const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
    const bare = text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_all, quoted = "") => quoted);
    return JSON.parse(bare.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_all, quoted = "") => quoted)) as Written;
  } catch {
    return {};
  }
}
