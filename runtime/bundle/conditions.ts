// By which conditions the `exports` of packages are read, beside Node's own.
import { tsconfigOf } from "./tsconfig.ts";

/** Those of the configuration, and the root's `customConditions`, which esbuild does not read. */
export function conditionsOf(rootDir: string, configured: readonly string[]): string[] {
  const { customConditions = [] } = tsconfigOf(rootDir, new Map()).options;
  return [...new Set([...configured, ...customConditions])];
}
