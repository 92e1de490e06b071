// The author's line in a stack: the first frame that lies in the project, and neither in its packages nor in what was built.

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourcePlace } from "../errors.ts";

const BUILT = /\.[0-9a-f]{12}\.mjs$/;
const FRAME = /\(?((?:file:\/\/)?\/[^\s()]+?|[A-Za-z]:\\[^\s()]+?):(\d+):(\d+)\)?$/;

export function placeInStack(stack: string, rootDir: string): SourcePlace | undefined {
  for (const line of stack.split("\n")) {
    const [, found, lineNumber, column] = FRAME.exec(line.trim()) ?? [];
    if (found === undefined) continue;
    const path = found.startsWith("file://") ? fileURLToPath(found) : found;
    const inside = relative(rootDir, path);
    if (inside.startsWith("..") || inside.includes("node_modules") || inside.startsWith(".handlers")) continue;
    if (BUILT.test(inside)) continue;
    return { file: inside.replaceAll("\\", "/"), line: Number(lineNumber), column: Number(column) };
  }
  return undefined;
}
