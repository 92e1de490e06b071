// What goes into a bundle of a build: everything, packages included.
//
// I1  Node's own modules stay out.
// I2  `nats-handlers` goes in like any package: verdicts are known by their mark, whichever copy made them.
// I3  Packages that stay outside (outside.ts) do so by name: Node finds them in the build's `node_modules`. One that is
//     missing, and that a package asks for when it runs, is left to Node's answer then, as in `dev`.

import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { inOrder, isPackaged, packageNameOf } from "../bundle/bare-imports.ts";
import { sdkModule } from "../bundle/sdk-modules.ts";
import type { Outside } from "./outside.ts";

const RESOLVING = Symbol("resolving");

export interface WholeImportsOptions {
  readonly rootDir: string;
  /** File URL of the sdk's entry. */
  readonly sdkUrl: string;
  readonly outside: Outside;
}

export function wholeImports({ rootDir, sdkUrl, outside }: WholeImportsOptions): Plugin {
  async function answer(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    if (args.pluginData === RESOLVING || args.kind === "entry-point") return undefined;
    if (isBuiltin(args.path)) return { path: args.path, external: true };
    const sdk = sdkModule(sdkUrl, args.path);
    if (sdk !== undefined) return { path: fileURLToPath(sdk) };
    const { kind, importer, resolveDir } = args;
    const found = await build.resolve(args.path, { kind, importer, resolveDir, pluginData: RESOLVING });
    if (found.errors.length > 0) return isAskedForLater(args) ? { path: args.path, external: true } : undefined;
    if (found.namespace !== "file") return undefined;
    const isTheirs = isPackaged(rootDir, found.path) || outside.isExternal(packageNameOf(args.path) ?? "");
    const path = isTheirs ? outside.specifierOf(args.path, found.path) : undefined;
    return path === undefined ? undefined : inOrder(rootDir, args, { path, external: true });
  }

  /** I3: of a driver, say, which a package has for those who have it. */
  function isAskedForLater({ kind, importer, path }: OnResolveArgs): boolean {
    const isLater = kind === "require-call" || kind === "require-resolve" || kind === "dynamic-import";
    return isLater && packageNameOf(path) !== undefined && isPackaged(rootDir, importer);
  }

  return {
    name: "nats-handlers:whole-imports",
    setup: (build) => build.onResolve({ filter: /^[^./]/ }, (args) => answer(build, args)),
  };
}
