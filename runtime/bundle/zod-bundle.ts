// Two modules that stand in for some 70 of the 90 or so that `import "zod"` loads. In a worker's boot it takes longer to find and
// link so many files than to run them.
//
// Z1  Only folders with a single door are put together: what lies outside of `v4/locales` and `v4/classic` imports that one
//     module of them. So whoever imports zod, by whatever name, gets one and the same instance, as ever. (A locale can be
//     imported by itself; then it is another copy of a function without state.)
// Z2  What they import from outside stays outside, by its URL: zod's core has state, and is shared with `zod/mini` and others.
// Z3  Only for zod 4. Of any other, or one that cannot be built here, workers load what Node finds.
// Z4  Made anew only when what they are made from, or with, has changed: most starts find them where the last one put them.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { version as esbuildVersion, type Plugin } from "esbuild";
import { bundled, placeUnlessThere } from "./program-file.ts";

const DOORS = ["v4/locales/index.js", "v4/classic/external.js"];

/** As worker/zod-loader.ts wants them. */
export interface ZodBundle {
  /** Path of zod's manifest, and the version it named when these were made. */
  readonly manifest: string;
  readonly version: string;
  /** URL of what is loaded, by the URL of the module it stands in for. */
  readonly urls: Readonly<Record<string, string>>;
}

/** `folder`: where they lie, and from where zod is looked for. Undefined: there is none that Z3 allows. */
export async function placeZodBundle(folder: string): Promise<ZodBundle | undefined> {
  try {
    const manifest = createRequire(join(folder, "any.mjs")).resolve("zod/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    if (!version.startsWith("4.")) return undefined;
    const doors = DOORS.map((door) => join(dirname(manifest), door));
    const urls = doors.map(async (door) => [pathToFileURL(door).href, await placeStandIn(folder, door, version)]);
    return { manifest, version, urls: Object.fromEntries(await Promise.all(urls)) };
  } catch {
    return undefined; // Z3
  }
}

async function placeStandIn(folder: string, door: string, version: string): Promise<string> {
  const name = `zod-${basename(dirname(door))}.mjs`;
  return placeUnlessThere(folder, name, `${door} ${version} ${madeWith()} ${filesIn(dirname(door))}`, async () => {
    const [output] = await bundled({
      entryPoints: [door],
      conditions: [],
      // Texts in one byte per character are read and compiled faster.
      charset: "ascii",
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: "none",
      plugins: [outsideStaysOutside],
    });
    return output!.text;
  });
}

/** Z4. This very file says how, in whatever version of the package it is, and `bundled` does. */
function madeWith(): string {
  return `${esbuildVersion} ${bundled} ${readFileSync(new URL(import.meta.url), "utf8")}`;
}

/** Z1: nothing of other folders goes into it. */
function filesIn(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const files = names.sort().map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });
  return files.join("\n");
}

/** Z2. */
const outsideStaysOutside: Plugin = {
  name: "nats-handlers:outside-stays-outside",
  setup(build) {
    build.onResolve({ filter: /^\.\.\// }, ({ path, resolveDir }) => ({
      path: pathToFileURL(join(resolveDir, path)).href,
      external: true,
    }));
    build.onResolve({ filter: /^[^./]/ }, ({ path }) => ({ path, external: true }));
  },
};
