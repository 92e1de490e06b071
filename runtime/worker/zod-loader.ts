// Import zod with other modules in place of some of its own (bundle/zod-bundle.ts). Each takes the place under the URL of the
// one it stands in for, so that all who import that one later get the same instance.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

export interface ZodBundle {
  /** Of zod, when they were made. */
  readonly version: string;
  /** Names of files, by the modules they stand in for: paths below zod's folder. */
  readonly standIns: Readonly<Record<string, string>>;
}

/**
 * Nothing is changed for what is loaded afterwards. Of another version than they were made for, all is loaded as it is.
 * @param at of the module beside which they lie, and which finds zod.
 */
export async function importZod(
  at: Pick<ImportMeta, "url" | "resolve">,
  { version, standIns }: ZodBundle,
  load: () => Promise<unknown>,
): Promise<void> {
  const zod = at.resolve("zod");
  const installed = JSON.parse(readFileSync(new URL("package.json", zod), "utf8")) as { version: string };
  if (installed.version !== version) return void (await load());
  const urls = new Map(
    Object.entries(standIns).map(([path, name]) => [new URL(path, zod).href, new URL(name, at.url).href]),
  );
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      const other = urls.get(url);
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
