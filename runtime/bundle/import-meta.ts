// Where code believes it is. A bundle lies in the build folder, but what it says of itself must be true of its sources.
//
// M1  `import.meta.url`, `.dirname` and `.filename` written out in a source mean that source, shared modules included.
//     On loading they are replaced by names of the same length, so that source maps and columns stay right; the first
//     line of the bundle defines those names.
// M2  What is not written out (`const { dirname } = import.meta`), and `require`, `__filename` and `__dirname`, mean the
//     handler file.
// M3  The first line is a placeholder while esbuild works, so that the code can be hashed without machine-specific paths.
//     It is `var`, because an author may well define `require` or `__dirname` himself.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
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
}

export function importMeta(): ImportMeta {
  const pathById = new Map<string, string>();
  const plugin: Plugin = {
    name: "nats-handlers:import-meta",
    setup(build) {
      build.onLoad({ filter: /\.([mc]?[jt]s|[jt]sx)$/ }, ({ path }) => loadSource(path, pathById));
    },
  };
  return {
    plugin,
    fillIn(code, handlerPath) {
      const ids = new Set([...code.matchAll(STAND_IN)].map((match) => match[1] ?? ""));
      const places = [...ids].flatMap((id) => definitionsOf(id, pathById.get(id)));
      return code.replace(BANNER_PLACEHOLDER, () => [ofHandler(handlerPath), ...places].join(" "));
    },
  };
}

// Synchronous on purpose: it takes a third of the time of an asynchronous read, and every rebuild waits for it.
function loadSource(path: string, pathById: Map<string, string>): OnLoadResult | undefined {
  const source = readSource(path);
  if (!source.includes("import.meta.")) return undefined;
  const id = createHash("sha256").update(path).digest("hex").slice(0, 9);
  pathById.set(id, path);
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

function definitionsOf(id: string, path: string | undefined): string[] {
  if (path === undefined) return []; // a name of the author's that only looks like one of ours
  const { url, filename, folder } = literals(path);
  return [`var __url_${id} = ${url}, __filename_${id} = ${filename}, __dirname_${id} = ${folder};`];
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
