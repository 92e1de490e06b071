// What to run so that a package is there: by the package manager that the project uses, and by whether it is declared already.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { foldersFrom } from "./resolution-candidates.ts";

/** By what lies where it was run. */
const MANAGERS = [
  ["pnpm", ["pnpm-lock.yaml", "pnpm-workspace.yaml"]],
  ["yarn", ["yarn.lock", ".yarnrc.yml"]],
  ["bun", ["bun.lock", "bun.lockb"]],
  ["npm", ["package-lock.json"]],
] as const;

/** `importer`: the absolute path of the file that asks for the package. */
export function installCommand(importer: string, name: string): string {
  const manager = managerOf(dirname(importer));
  if (isDeclared(dirname(importer), name)) return `${manager} install`;
  return manager === "npm" ? `npm install ${name}` : `${manager} add ${name}`;
}

function managerOf(folder: string): string {
  for (const at of foldersFrom(folder)) {
    const found = MANAGERS.find(([, files]) => files.some((file) => existsSync(join(at, file))));
    if (found !== undefined) return found[0];
  }
  return "npm";
}

/** In the nearest package.json: an app's in a workspace, and not what lies above. */
function isDeclared(folder: string, name: string): boolean {
  const at = foldersFrom(folder).find((above) => existsSync(join(above, "package.json")));
  if (at === undefined) return false;
  try {
    const manifest = JSON.parse(readFileSync(join(at, "package.json"), "utf8")) as Record<string, object | undefined>;
    const kinds = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    return kinds.some((kind) => Object.hasOwn(manifest[kind] ?? {}, name));
  } catch {
    return false; // being written
  }
}
