// The project's own TypeScript, which reads its controllers: a project on NestJS has it, and it is no dependency of ours.

import { createRequire } from "node:module";
import { join } from "node:path";
import type ts from "typescript-5";
import { RuntimeError } from "../errors.ts";

export type TypeScript = typeof ts;

/** Throws USAGE where the project has none, or one that is older than 4.9 or has no interface for programs. */
export function projectsTypeScript(rootDir: string): TypeScript {
  const found = load(rootDir);
  if (found?.createSourceFile !== undefined && found.isSatisfiesExpression !== undefined) return found as TypeScript;
  const what = found === undefined ? "is not installed" : `is ${found.version}, which cannot be used for that`;
  throw new RuntimeError("USAGE", `controllers are read with the project's own package typescript, which ${what}`, {
    remedy: "Run `npm install -D typescript@5`.",
  });
}

function load(rootDir: string): Partial<TypeScript> | undefined {
  try {
    return createRequire(join(rootDir, "x.js"))("typescript") as Partial<TypeScript>;
  } catch {
    return undefined; // told by `projectsTypeScript`
  }
}
