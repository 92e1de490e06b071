// Which code of ours found something out: another may find something else.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Of the package its version says it; of a clone, the times of its sources. */
export function ownCode(version: string): readonly string[] {
  if (!import.meta.url.endsWith(".ts")) return [version];
  const top = fileURLToPath(new URL("..", import.meta.url));
  const sources = readdirSync(top, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return sources.sort().map((name) => `${name} ${statSync(join(top, name)).mtimeMs}`);
}
