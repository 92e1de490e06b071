// Import a package with other modules in place of some of its own (bundle/zod-bundle.ts). Each takes the place under the
// URL of the one it stands in for, so that all who import that one later get the same instance.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

export interface Replacements {
  /** Path of the package's manifest, and the version they were made for. */
  readonly manifest: string;
  readonly version: string;
  /** URL of what is loaded, by the URL of the module it stands in for. */
  readonly urls: Readonly<Record<string, string>>;
}

/** Nothing is changed for what is loaded afterwards. Of another version than they were made for, all is loaded as it is. */
export async function importWith(
  { manifest, version, urls }: Replacements,
  load: () => Promise<unknown>,
): Promise<void> {
  const installed = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      const other = installed.version === version ? urls[url] : undefined;
      if (other === undefined) return nextLoad(url, context);
      return { format: "module", shortCircuit: true, source: `export * from ${JSON.stringify(other)};` };
    },
  });
  try {
    await load();
  } finally {
    hooks.deregister();
  }
}
