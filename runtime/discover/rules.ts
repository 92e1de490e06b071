// Which files are handlers, and what they are called. Pure: looks at the path and nothing else.
//
// R1  A handler ends in .ts, .mts, .cts, .js, .mjs, .cjs, .tsx or .jsx.
// R2  A name that starts with `_` or `.`, of the file or of any folder above it, is never a handler.
// R3  Tests (`*.test.*`, `*.spec.*`), type declarations (`*.d.ts`, `*.d.mts`, `*.d.cts`) and node_modules are never handlers.
// R4  A handler's name is its path below the handlers folder, without the extension, with `/`.
// R5  A name consists of letters A to Z, digits, `_`, `-`, `.` and `/`: queue groups and durables are made from it.
import { relative, sep } from "node:path";
import { RuntimeError } from "../errors.ts";
import type { HandlerFile } from "./handler-file.ts";

const EXTENSION = /\.(?:[mc]?[tj]s|[tj]sx)$/;
const TEST_OR_DECLARATION = /\.(test|spec)\.|\.d\.[mc]?ts$/;
const ALLOWED_NAME = /^[A-Za-z0-9_\-./]+$/;

/** The handler at `absolutePath`, or undefined when no handler may lie there (R1 to R5). */
export function handlerFileOf(rootDir: string, handlersDir: string, absolutePath: string): HandlerFile | undefined {
  const file = candidateOf(rootDir, handlersDir, absolutePath);
  return file !== undefined && ALLOWED_NAME.test(file.name) ? file : undefined;
}

/** What is wrong with a file that would be a handler but for its name (R5); undefined for every other file. */
export function nameProblem(rootDir: string, handlersDir: string, absolutePath: string): RuntimeError | undefined {
  const file = candidateOf(rootDir, handlersDir, absolutePath);
  if (file === undefined || ALLOWED_NAME.test(file.name)) return undefined;
  const culprits = [...new Set(file.name.match(/[^A-Za-z0-9_\-./]/gu))].map((char) => JSON.stringify(char)).join(", ");
  return new RuntimeError("METADATA_INVALID", `handler name ${JSON.stringify(file.name)} contains ${culprits}`, {
    handler: visible(file.name),
    place: { file: visible(file.displayPath) },
    remedy:
      "Rename the file: its path may have letters A to Z, digits, `_`, `-`, `.` and `/`, or start it with `_` if it is no handler.",
  });
}

/** A line end in a file's name is no line end of the log. */
function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1));
}

/** Whether a folder of this name can hold handlers at all (R2, R3). */
export function mayHoldHandlers(folderName: string): boolean {
  return !folderName.startsWith("_") && !folderName.startsWith(".") && folderName !== "node_modules";
}

function candidateOf(rootDir: string, handlersDir: string, absolutePath: string): HandlerFile | undefined {
  const segments = relative(handlersDir, absolutePath).split(sep);
  const fileName = segments.at(-1) ?? "";
  if (!EXTENSION.test(fileName) || TEST_OR_DECLARATION.test(fileName)) return undefined;
  // A path outside the handlers folder starts with `..` and falls to the same rule as dot-folders.
  if (!segments.every(mayHoldHandlers)) return undefined;
  return {
    name: segments.join("/").replace(EXTENSION, ""),
    path: absolutePath,
    displayPath: relative(rootDir, absolutePath).split(sep).join("/"),
  };
}
