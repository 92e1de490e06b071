// Where code believes it is. A bundle lies in the build folder, but what it says of itself must be true of its sources.
//
// M1  `import.meta`, `__filename` and `__dirname` mean the source they stand in, shared modules and CommonJS included.
//     esbuild puts names of ours in their place, and only where they are code; the source map says whose code, and each
//     gets its own names; the first line of the bundle defines those.
// M2  `require` means the handler file's.
// M3  The first line is a placeholder while esbuild works, so that the code can be hashed without machine-specific paths.
//     It is `var`, because an author may well define `require` himself.
// M4  In a build that is carried elsewhere the places are given from the bundle, and found out when it runs.
// M5  A file that code reaches by its place has a name of ours too: what it stands for may lie elsewhere (reached.ts).
import { createHash } from "node:crypto";
import { dirname, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Edit } from "./edits.ts";
import { orderHelpers } from "./import-order.ts";
import type { SourceAt } from "./source-at.ts";

export const BANNER_PLACEHOLDER = "/*nats-handlers:where*/";

const NAMED = /\b__natsHandlers_(meta|url|dirname|filename)\b/g;
const OWN = /\b__natsHandlers_(?:meta|url|dirname|filename)_([0-9a-f]{9})\b/g;
const REACHED = /\b__natsHandlers_(atUrl|atPath)_([0-9a-f]{9})\b/g;

/** For esbuild's `define`. */
export const PLACE_NAMES = {
  "import.meta": "__natsHandlers_meta",
  "import.meta.url": "__natsHandlers_url",
  "import.meta.dirname": "__natsHandlers_dirname",
  "import.meta.filename": "__natsHandlers_filename",
  __dirname: "__natsHandlers_dirname",
  __filename: "__natsHandlers_filename",
};

export interface ImportMeta {
  /** M1: gives each name its own. */
  ownPlaces(code: string, sourceAt: (index: number) => SourceAt): Edit[];
  /** M5: stands for the URL or the path of the file. */
  nameOf(form: "url" | "path", path: string): string;
  /**
   * The code with its placeholder filled in for the handler at `handlerPath`. `standIn`: URL of what stands for a file that is
   * reached, from the bundle or absolute.
   */
  fillIn(code: string, handlerPath: string, standIn: (path: string) => string): string;
  /** M4: the same, for a bundle that is its handler's place; `placeOf` gives that of any other source from the bundle. */
  fillInRelocatable(code: string, placeOf: (path: string) => string, standIn: (path: string) => string): string;
}

export function importMeta(rootDir: string): ImportMeta {
  const pathById = new Map<string, string>();

  function idOf(path: string): string {
    // Of the path from the root, or from the folder of packages: the same on every machine.
    const portable =
      path.split(`${sep}node_modules${sep}`).at(-1) === path
        ? relative(rootDir, path)
        : path.replace(/^.*[\\/]node_modules[\\/]/, "");
    const id = createHash("sha256").update(portable).digest("hex").slice(0, 9);
    pathById.set(id, path);
    return id;
  }

  function reachedIn(code: string, standIn: (path: string) => string): string[] {
    const names = new Map(
      [...code.matchAll(REACHED)].map(([name, form, id]) => [name, { form, path: pathById.get(id!) }]),
    );
    return [...names].flatMap(([name, { form, path }]) => {
      if (path === undefined) return [];
      const url = urlExpression(standIn(path));
      return [`var ${name} = ${form === "atUrl" ? url : `__natsHandlersPath(${url})`};`];
    });
  }

  function fill(
    code: string,
    first: string,
    standIn: (path: string) => string,
    define: (id: string, path: string) => string,
  ): string {
    const ids = new Set([...code.matchAll(OWN)].map((match) => match[1] ?? ""));
    // A name of the author's may look like one of ours.
    const known = [...ids].flatMap((id) => (pathById.has(id) ? [[id, pathById.get(id)!] as const] : []));
    const places = known.map(([id, path]) => define(id, path));
    return code.replace(BANNER_PLACEHOLDER, () =>
      [first, ...places, ...reachedIn(code, standIn), ...orderHelpers(code)].join(" "),
    );
  }

  return {
    ownPlaces: (code, sourceAt) =>
      [...code.matchAll(NAMED)].map(({ 0: name, index }) => {
        return { at: index, length: name.length, text: `${name}_${idOf(sourceAt(index).path)}` };
      }),
    nameOf: (form, path) => `__natsHandlers_${form === "url" ? "atUrl" : "atPath"}_${idOf(path)}`,
    fillIn: (code, handlerPath, standIn) =>
      fill(code, requireAt(JSON.stringify(pathToFileURL(handlerPath).href)), standIn, (id, path) =>
        definedAt(id, path),
      ),
    fillInRelocatable: (code, placeOf, standIn) =>
      fill(code, requireAt("import.meta.url"), standIn, (id, path) => definedFrom(id, placeOf(path))),
  };
}

/** An expression for it. */
function urlExpression(url: string): string {
  return url.startsWith("file:") ? JSON.stringify(url) : `new URL(${JSON.stringify(url)}, import.meta.url).href`;
}

function requireAt(url: string): string {
  return [
    `import { createRequire as __natsHandlersCreateRequire } from "node:module";`,
    `import { fileURLToPath as __natsHandlersPath } from "node:url";`,
    `var require = __natsHandlersCreateRequire(${url});`,
  ].join(" ");
}

function definedAt(id: string, path: string): string {
  const url = JSON.stringify(pathToFileURL(path).href);
  return defined(id, url, JSON.stringify(path), JSON.stringify(dirname(path)));
}

function definedFrom(id: string, place: string): string {
  const folder = `__natsHandlersPath(new URL(".", __natsHandlers_url_${id})).replace(/(.)[\\\\/]$/, "$1")`;
  const url = `new URL(${JSON.stringify(place)}, import.meta.url).href`;
  return defined(id, url, `__natsHandlersPath(__natsHandlers_url_${id})`, folder);
}

function defined(id: string, url: string, filename: string, folder: string): string {
  const names = (["url", "filename", "dirname"] as const).map((name) => `__natsHandlers_${name}_${id}`);
  const [urlName, filenameName, dirnameName] = names;
  const resolving = `(to) => /^\\.{0,2}\\//.test(to) ? new URL(to, ${urlName}).href : import.meta.resolve(to)`;
  const meta = `{ url: ${urlName}, filename: ${filenameName}, dirname: ${dirnameName}, main: false, resolve: ${resolving} }`;
  return [
    `var ${urlName} = ${url}, ${filenameName} = ${filename}, ${dirnameName} = ${folder},`,
    `__natsHandlers_meta_${id} = ${meta};`,
  ].join(" ");
}
