// Two modules that stand in for some 70 of the 90 or so that `import "zod"` loads. In a worker's boot it takes longer to find and
// link so many files than to run them.
//
// Z1  Only folders with a single door are put together: what lies outside of `v4/locales` and `v4/classic` imports that one
//     module of them. So whoever imports zod, by whatever name, gets one and the same instance, as ever. (A locale can be
//     imported by itself; then it is another copy of a function without state.)
// Z2  What they import from outside stays outside, by its URL: zod's core has state, and is shared with `zod/mini` and others.
// Z3  Only for zod 4. Of any other, or one that cannot be built here, workers load what Node finds.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { bundled } from "./program-file.ts";

const DOORS = ["v4/locales/index.js", "v4/classic/external.js"];

export interface StandIns {
  /** Path of zod's manifest, and the version it named when these were made. */
  readonly manifest: string;
  readonly version: string;
  readonly modules: readonly StandIn[];
}

export interface StandIn {
  /** URL of the module that is not loaded. */
  readonly insteadOf: string;
  readonly name: string;
  readonly code: string;
}

/** `from`: a path in the folder whose zod is meant, which need not exist. Undefined: there is none that Z3 allows. */
export async function makeStandIns(from: string): Promise<StandIns | undefined> {
  try {
    const manifest = createRequire(from).resolve("zod/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    if (!version.startsWith("4.")) return undefined;
    return {
      manifest,
      version,
      modules: await Promise.all(DOORS.map((door) => standIn(join(dirname(manifest), door)))),
    };
  } catch {
    return undefined; // Z3
  }
}

async function standIn(door: string): Promise<StandIn> {
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
  const name = `zod-${basename(dirname(door))}.mjs`;
  return { insteadOf: pathToFileURL(door).href, name, code: output!.text };
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
