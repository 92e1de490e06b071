// Packages that are named in a text and imported by somebody else: `transport: { target: "pino-pretty" }`.
//
// T1  Only those count that a package.json above the source declares: a word is not a package.
// T2  What the source imports is bundled or outside already.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { packageNameOf } from "../bundle/bare-imports.ts";
import { findPackage, type LeftOut, packageManifest } from "./packages.ts";

const TEXT = /(\b(?:from|import|require)\s*\(?\s*)?(["'`])(@?[\w.-]+(?:\/[\w.-]+)*)\2/g;
const NEVER = /^(nats-handlers|typescript|@types\/.*)$/;

/** `sources`: absolute paths of the author's. */
export function packagesNamedIn(sources: readonly string[], rootDir: string): LeftOut[] {
  const declared = new Map<string, ReadonlySet<string>>();
  const found = sources.flatMap((source) => {
    const names = declaredAbove(dirname(source), declared);
    const reason = `is named in ${relative(rootDir, source).split(sep).join("/")}`;
    return namesIn(source, names).flatMap((name) => {
      const folder = findPackage(dirname(source), name);
      return folder?.split(sep).includes("node_modules") ? [{ name, folder, reason }] : [];
    });
  });
  return [...new Map(found.map((one) => [one.name, one])).values()];
}

function namesIn(source: string, declared: ReadonlySet<string>): string[] {
  const texts = declared.size === 0 ? [] : [...textOf(source).matchAll(TEXT)];
  const imported = new Set(texts.filter(([, importing]) => importing).map(([, , , text]) => packageNameOf(text!)));
  const named = texts.filter(([, importing]) => !importing).map(([, , , text]) => packageNameOf(text!) ?? "");
  return [...new Set(named)].filter((name) => declared.has(name) && !imported.has(name) && !NEVER.test(name));
}

function declaredAbove(folder: string, known: Map<string, ReadonlySet<string>>): ReadonlySet<string> {
  const found = known.get(folder);
  if (found !== undefined) return found;
  const above = dirname(folder);
  const own = existsSync(join(folder, "package.json")) ? packageManifest(folder) : {};
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = own;
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies });
  const all = new Set([...names, ...(above === folder ? [] : declaredAbove(above, known))]);
  known.set(folder, all);
  return all;
}

function textOf(source: string): string {
  try {
    return readFileSync(source, "utf8");
  } catch {
    return ""; // gone meanwhile: the next build tells
  }
}
