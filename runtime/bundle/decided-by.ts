// Which paths decide how a handler is built: as long as each is as it was, building it again gives the same. (What it loads
// beside its bundle is seen where it is evaluated: worker/asked-for.ts.)
//
// D1  Its sources, and what is configured for them: every tsconfig.json and package.json from their folders upwards, there
//     or not.
// D2  For each import, all places where another file or package would be found before the one that was.
// D3  Where what was made depends on more than that, nothing is said.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Compiled } from "./compiler.ts";
import { pathsThatWouldMend } from "./missing.ts";
import { fileCandidates, foldersFrom, packageFolders } from "./resolution-candidates.ts";
import { type TsConfig, tsconfigOf } from "./tsconfig.ts";

type Good = Extract<Compiled, { ok: true }>;

/** Absolute, existing or not; undefined: more than paths decides it (D3). Reads files: only for whoever asks. */
export function decidedBy({ inputs, imports, reached, bound, warnings }: Good): string[] | undefined {
  if (reached.length + bound.length + warnings.length > 0) return undefined;
  const configs = new Map<string, TsConfig>();
  const folders = [...new Set(inputs.map((path) => dirname(path)))];
  const settings = folders.map((folder) => tsconfigOf(folder, configs));
  // Compiled by the project's TypeScript, whichever that is.
  if (settings.some(({ options }) => options.emitDecoratorMetadata === true)) return undefined;
  if (!inputs.every((path) => existsSync(path))) return undefined;
  const above = [...new Set(folders.flatMap(foldersFrom))];
  const all = [
    ...inputs,
    ...settings.flatMap(({ files }) => files),
    ...above.flatMap((folder) => [join(folder, "tsconfig.json"), join(folder, "package.json")]),
    ...imports.flatMap(placesOf),
  ];
  return [...new Set(all)];
}

/** D2. A package that is known by a place of its own is looked for by its name, whatever it leads to. */
function placesOf({ importer, specifier }: Good["imports"][number]): string[] {
  const folder = dirname(importer);
  const name = specifier.split("/node_modules/").at(-1)!;
  if (/^\.{0,2}\//.test(name)) return fileCandidates(resolve(folder, name));
  return [...packageFolders(folder, name), ...pathsThatWouldMend(importer, name)];
}
