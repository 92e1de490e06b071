// Two modules that stand in for some 70 of the 90 or so that `import "zod"` loads. In a worker's boot it takes longer to find and
// link so many files than to run them.
//
// Z1  Only folders with a single door are put together: what lies outside of `v4/locales` and `v4/classic` imports that one
//     module of them. So whoever imports zod, by whatever name, gets one and the same instance, as ever. (A locale can be
//     imported by itself; then it is another copy of a function without state.)
// Z2  What they import from outside stays outside: zod's core has state, and is shared with `zod/mini` and others.
// Z3  Only for zod 4. Of any other, or one that cannot be built here, workers load what Node finds.
// Z4  Made anew only when what they are made from, or with, has changed: most starts find them where the last one put them.
// Z5  Languages other than English are loaded when they are asked for: they are a third of zod, and of the time to load it.
// Z6  Where nothing but zod itself is imported of it (a build knows), one module has all, its core as well.
// Z7  Paths in them are relative: they are as good where the folder has been moved, or copied, together with zod.
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, sep } from "node:path";
import { version as esbuildVersion, type Plugin } from "esbuild";
import { bundled, placeUnlessThere } from "./program-file.ts";

const LOCALES = "v4/locales/index.js";
const CLASSIC = "v4/classic/external.js";

/** As worker/zod-loader.ts wants it. */
export interface ZodBundle {
  /** Of zod, when they were made. */
  readonly version: string;
  /** Names of files, by the modules they stand in for: paths below zod's folder. */
  readonly standIns: Readonly<Record<string, string>>;
}

/**
 * `folder`: where they lie, and from where zod is looked for. `alone`: Z6. Undefined: there is none that Z3 allows.
 */
export async function placeZodBundle(folder: string, { alone = false } = {}): Promise<ZodBundle | undefined> {
  try {
    const manifest = createRequire(join(folder, "any.mjs")).resolve("zod/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    if (!version.startsWith("4.")) return undefined;
    const about = { folder: realpathSync(folder), zod: dirname(manifest), alone };
    const standIns = (alone ? [CLASSIC] : [LOCALES, CLASSIC]).map(async (door) => [
      door,
      await placeStandIn(door, about),
    ]);
    return { version, standIns: Object.fromEntries(await Promise.all(standIns)) };
  } catch {
    return undefined; // Z3
  }
}

interface StandInRequest {
  readonly folder: string;
  readonly zod: string;
  readonly alone: boolean;
}

/** Its name. */
async function placeStandIn(door: string, request: StandInRequest): Promise<string> {
  const { folder, zod, alone } = request;
  const name = `zod-${basename(dirname(door))}.mjs`;
  const source = [relative(folder, zod), madeWith(), ...filesOf(door, request).map(read)].join("\n");
  await placeUnlessThere(folder, name, source, async () => {
    const [output] = await bundled({
      entryPoints: [join(zod, door)],
      conditions: [],
      // Texts in one byte per character are read and compiled faster.
      charset: "ascii",
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: "none",
      plugins: [languagesLater(request), ...(alone ? [] : [outsideStaysOutside(folder)])],
    });
    return output!.text;
  });
  return name;
}

/** Z4. This very file says how, in whatever version of the package it is, and `bundled` does. */
function madeWith(): string {
  return `${esbuildVersion} ${bundled} ${read(new URL(import.meta.url))}`;
}

/** What goes into it. */
function filesOf(door: string, { zod, alone }: StandInRequest): string[] {
  if (door === LOCALES) return [join(zod, door)];
  const folders = alone ? ["v4/core", "v4/classic", "v4/locales"] : ["v4/classic"];
  return folders.flatMap((folder) => {
    const names = readdirSync(join(zod, folder)).filter((name) => name.endsWith(".js"));
    return names.sort().map((name) => join(zod, folder, name));
  });
}

function read(path: string | URL): string {
  return readFileSync(path, "utf8");
}

/** Z5. */
function languagesLater({ folder, zod }: StandInRequest): Plugin {
  const index = join(zod, LOCALES);
  return {
    name: "nats-handlers:languages-later",
    setup(build) {
      build.onLoad({ filter: /[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
        contents: languages(index, slashed(relative(folder, dirname(index)))),
        resolveDir: dirname(index),
      }));
    },
  };
}

/** Throws where they are listed otherwise than they are read here. `place`: theirs, as a path from the stand-in, and no URL. */
function languages(index: string, place: string): string {
  const lines = read(index)
    .split("\n")
    .filter((line) => !/^\s*(\/\/.*)?$/.test(line));
  return [
    `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const language = (path) => {
  const exported = require(path); // The function itself, or TypeScript's "default".
  return (exported.default ?? exported)();
};`,
    ...lines.map((line) => {
      const [, name, file] = /^export \{ default as (\w+) \} from "\.\/([\w-]+)\.js";?\s*$/.exec(line) ?? [];
      // Every zod loads it.
      if (name === "en") return `export { default as en } from "../locales/en.js";`;
      if (file === undefined || !existsSync(join(dirname(index), `${file}.cjs`))) throw new Error(`${index}: ${line}`);
      return `export const ${name} = () => language(${JSON.stringify(`${place}/${file}.cjs`)});`;
    }),
  ].join("\n");
}

/** Z2, Z7. */
function outsideStaysOutside(at: string): Plugin {
  return {
    name: "nats-handlers:outside-stays-outside",
    setup(build) {
      build.onResolve({ filter: /^\.\.\// }, ({ path, resolveDir }) => ({
        path: relativeTo(at, join(resolveDir, path)),
        external: true,
      }));
      build.onResolve({ filter: /^[^./]/ }, ({ path }) => ({ path, external: true }));
    },
  };
}

/** As modules are imported: by a URL. */
function relativeTo(folder: string, path: string): string {
  return slashed(relative(folder, path)).replaceAll(/[%?#]/g, encodeURIComponent);
}

function slashed(way: string): string {
  const path = way.split(sep).join("/");
  return path.startsWith("../") ? path : `./${path}`;
}
