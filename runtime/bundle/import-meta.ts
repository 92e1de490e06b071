// Where code believes it is. A bundle lies in the build folder, but what it says of itself must be true of its sources.
//
// M1  `import.meta.url`, `.dirname` and `.filename` written out in a source mean that source, shared modules included.
//     On loading they are replaced by names of the same length, so that source maps and columns stay right; the first
//     line of the bundle defines those names.
// M2  What is not written out (`const { dirname } = import.meta`), and `require`, `__filename` and `__dirname`, mean the
//     handler file.
// M3  The first line is a placeholder while esbuild works, so that the code can be hashed without machine-specific paths.
//     It is `var`, because an author may well define `require` or `__dirname` himself.
// M4  In a build that is carried elsewhere the places are given from the bundle, and found out when it runs.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { pathToFileURL } from "node:url";
import type { Loader, OnLoadResult, Plugin } from "esbuild";

export const BANNER_PLACEHOLDER = "/*nats-handlers:where*/";

const WRITTEN_OUT = /\bimport\.meta\.(url|dirname|filename)\b/g;
const STAND_IN = /\b__(?:url|dirname|filename)_([0-9a-f]{9})\b/g;
const LOADERS: Readonly<Record<string, Loader>> = {
  ts: "ts",
  mts: "ts",
  cts: "ts",
  tsx: "tsx",
  js: "js",
  mjs: "js",
  cjs: "js",
  jsx: "jsx",
};

export interface ImportMeta {
  readonly plugin: Plugin;
  /** The code with its placeholder filled in for the handler at `handlerPath`. */
  fillIn(code: string, handlerPath: string): string;
  /** M4: the same, for a bundle that is its handler's place; `placeOf` gives that of any other source from the bundle. */
  fillInRelocatable(code: string, placeOf: (path: string) => string): string;
}

/** `adapt` may change the text of a source before it is compiled. */
export function importMeta(rootDir: string, adapt: (source: string) => string = (source) => source): ImportMeta {
  const pathById = new Map<string, string>();
  const plugin: Plugin = {
    name: "nats-handlers:import-meta",
    setup(build) {
      build.onLoad({ filter: /\.([mc]?[jt]s|[jt]sx)$/ }, ({ path }) => loadSource(path));
    },
  };

  // Synchronous on purpose: it takes a third of the time of an asynchronous read, and every rebuild waits for it.
  function loadSource(path: string): OnLoadResult | undefined {
    const read = readSource(path);
    const source = adapt(read);
    if (source === read && !source.includes("import.meta.")) return undefined;
    // Of the path from the root: the same on every machine.
    const id = createHash("sha256").update(relative(rootDir, path)).digest("hex").slice(0, 9);
    pathById.set(id, path);
    return withStandIns(source, path, id);
  }

  function fill(code: string, first: string, define: (id: string, path: string) => string): string {
    const ids = new Set([...code.matchAll(STAND_IN)].map((match) => match[1] ?? ""));
    // A name of the author's may look like one of ours.
    const known = [...ids].flatMap((id) => (pathById.has(id) ? [[id, pathById.get(id)!] as const] : []));
    const places = known.map(([id, path]) => define(id, path));
    return code.replace(BANNER_PLACEHOLDER, () => [first, ...places].join(" "));
  }

  return {
    plugin,
    fillIn: (code, handlerPath) => fill(code, ofHandler(handlerPath), definitionsOf),
    fillInRelocatable: (code, placeOf) => fill(code, OF_BUNDLE, (id, path) => definedFrom(id, placeOf(path))),
  };
}

function withStandIns(source: string, path: string, id: string): OnLoadResult {
  const contents = source.replace(WRITTEN_OUT, (_all, property: string) => `__${property}_${id}`);
  return { contents, loader: LOADERS[path.slice(path.lastIndexOf(".") + 1)] ?? "ts" };
}

function readSource(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // esbuild reads it itself then, and says what is wrong
  }
}

function definitionsOf(id: string, path: string): string {
  const { url, filename, folder } = literals(path);
  return `var __url_${id} = ${url}, __filename_${id} = ${filename}, __dirname_${id} = ${folder};`;
}

const OF_BUNDLE = [
  `import { createRequire as __natsHandlersCreateRequire } from "node:module";`,
  `import { fileURLToPath as __natsHandlersPath } from "node:url";`,
  `var require = __natsHandlersCreateRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`,
].join(" ");

function definedFrom(id: string, place: string): string {
  const url = `new URL(${JSON.stringify(place)}, import.meta.url)`;
  const folder = `__natsHandlersPath(new URL(".", __url_${id})).replace(/[\\\\/]$/, "")`;
  return `var __url_${id} = ${url}.href, __filename_${id} = __natsHandlersPath(__url_${id}), __dirname_${id} = ${folder};`;
}

function ofHandler(path: string): string {
  const { url, filename, folder } = literals(path);
  return [
    `import { createRequire as __natsHandlersCreateRequire } from "node:module";`,
    `import.meta.url = ${url}; import.meta.filename = ${filename}; import.meta.dirname = ${folder};`,
    `var require = __natsHandlersCreateRequire(${url}), __filename = ${filename}, __dirname = ${folder};`,
  ].join(" ");
}

function literals(path: string) {
  return {
    url: JSON.stringify(pathToFileURL(path).href),
    filename: JSON.stringify(path),
    folder: JSON.stringify(dirname(path)),
  };
}
