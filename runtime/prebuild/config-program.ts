// `handlers.config.ts` as part of a build: one module that needs nothing beside it. It is evaluated at each start, because
// what it says may depend on the environment.

import { writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { CONFIG, mirrored } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import { PROGRAM_OPTIONS } from "./program-options.ts";

const PLACE = { url: "__configUrl", filename: "__configFilename", dirname: "__configDirname" };

/** `sdkUrl`: file URL of the sdk's entry. The file has been evaluated before, so it builds. */
export async function writeConfigProgram(
  configFile: string,
  rootDir: string,
  outDir: string,
  sdkUrl: string,
): Promise<Manifest["config"]> {
  const from = encodeURI(mirrored(rootDir, configFile));
  const { outputFiles } = await build({
    entryPoints: [configFile],
    absWorkingDir: rootDir,
    outfile: join(outDir, CONFIG),
    ...PROGRAM_OPTIONS,
    define: Object.fromEntries(Object.entries(PLACE).map(([key, name]) => [`import.meta.${key}`, name])),
    banner: { js: bannerFor(from) },
    alias: { "nats-handlers": fileURLToPath(sdkUrl) },
  });
  await writeFile(join(outDir, CONFIG), outputFiles[0]?.contents ?? "");
  return { bundle: CONFIG, file: relative(rootDir, configFile).split(sep).join("/") };
}

function bannerFor(place: string): string {
  const { url, filename, dirname } = PLACE;
  return [
    `import { createRequire as __nodeRequire } from "node:module";`,
    `import { fileURLToPath as __nodePath } from "node:url";`,
    `var require = __nodeRequire(import.meta.url), ${url} = new URL(${JSON.stringify(place)}, import.meta.url).href,`,
    `${filename} = __nodePath(${url}), ${dirname} = __nodePath(new URL(".", ${url})).replace(/[\\\\/]$/, "");`,
  ].join(" ");
}
