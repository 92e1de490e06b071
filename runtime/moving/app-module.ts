// The module of the Nest app, whose container has its services.

import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { RuntimeError } from "../errors.ts";
import { decoratorsOf } from "./decorators.ts";
import type { Sources } from "./source.ts";

export interface AppModule {
  readonly path: string;
  /** Of the class, as the file exports it. */
  readonly name: string;
}

/** Throws USAGE where the file has none. */
export function appModuleAt(sources: Sources, path: string): AppModule {
  const found = existsSync(path) ? moduleIn(sources, path) : undefined;
  if (found !== undefined) return found;
  throw new RuntimeError("USAGE", `${path} has no exported class with @Module()`, {
    remedy: "Name the file of the app's module with --module, such as src/app.module.ts.",
  });
}

/** Of the nearest app.module.ts in the controller's folder or above it. */
export function appModuleFor(sources: Sources, rootDir: string, controller: string): AppModule | undefined {
  for (let folder = dirname(controller); !relative(rootDir, folder).startsWith(".."); folder = dirname(folder)) {
    const path = join(folder, "app.module.ts");
    if (existsSync(path)) return moduleIn(sources, path);
    if (folder === dirname(folder)) return undefined;
  }
  return undefined;
}

function moduleIn(sources: Sources, path: string): AppModule | undefined {
  const { ts } = sources;
  const source = sources.at(path);
  const found = source.file.statements
    .filter(ts.isClassDeclaration)
    .filter((node) => (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) !== 0)
    .find((node) => decoratorsOf(ts, source, node).some(({ name }) => name === "Module"));
  return found?.name && { path, name: found.name.text };
}
