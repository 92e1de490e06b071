// The packages that `external` names: in the configuration, and on the command line.

import { RuntimeError } from "../errors.ts";
import { findPackage, type LeftOut } from "./packages.ts";

/** `folders`: where they are looked for, in this order. Throws USAGE when one is not installed. */
export function externalPackages(names: readonly string[], folders: readonly string[]): LeftOut[] {
  return [...new Set(names)].map((name) => {
    const folder = folders.map((from) => findPackage(from, name)).find((found) => found !== undefined);
    if (folder === undefined) {
      throw new RuntimeError("USAGE", `\`external\` names the package "${name}", which is not installed`, {
        remedy: `Run \`npm install ${name}\`, or take it out of \`external\`.`,
      });
    }
    return { name, folder, reason: "is named by `external`" };
  });
}
