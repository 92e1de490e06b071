// esbuild's messages, told as ours: where, the lines around it, and what to do.
import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import type { Location, Message } from "esbuild";
import { type ErrorCode, formatPlace, RuntimeError, type SourcePlace } from "../errors.ts";
import { packageNameOf } from "./bare-imports.ts";
import { foreignEncodingOf } from "./encoding.ts";
import { codeFrame } from "./frame.ts";
import { installCommand } from "./install-command.ts";
import { unresolvedIn } from "./missing.ts";

const MOST_LISTED = 10;
const LONGEST_LINE = 300;

/** Of `module.exports` where Node takes the file for an ES module. */
export const NOT_COMMONJS =
  "Here a file is an ES module: write `export const metadata` and `export default`, or rename it to .cjs (.cts).";

/**
 * BUNDLE_FAILED for the messages of one handler's failed build: the first in full, the others a line each.
 *
 * Places are paths from `rootDir`, as esbuild gives them.
 */
export function bundleFailed(rootDir: string, handler: string, messages: readonly Message[]): RuntimeError {
  const [first, ...others] = messages;
  if (first === undefined) return new RuntimeError("BUNDLE_FAILED", `handler "${handler}" does not build`, { handler });
  const encoding = first.location === null ? undefined : foreignEncodingOf(resolve(rootDir, first.location.file));
  if (encoding !== undefined) return notUtf8(handler, encoding, first.location!.file);
  const listed = others.slice(0, MOST_LISTED).map((message) => `  also ${placed(message)}`);
  if (others.length > MOST_LISTED) listed.push(`  and ${others.length - MOST_LISTED} more`);
  return toError(rootDir, handler, `does not build: ${first.text}`, first, listed);
}

function notUtf8(handler: string, encoding: string, file: string): RuntimeError {
  return new RuntimeError("BUNDLE_FAILED", `handler "${handler}" does not build: ${file} is ${encoding}, not UTF-8`, {
    handler,
    place: { file },
    remedy: "Save it as UTF-8.",
  });
}

/** One BUNDLE_WARNING for each: it builds all the same. */
export function bundleWarnings(rootDir: string, handler: string, messages: readonly Message[]): RuntimeError[] {
  return messages.map((message) =>
    toError(rootDir, handler, `builds, but: ${message.text}`, message, [], "BUNDLE_WARNING"),
  );
}

/** The messages of a failed esbuild call; an error that is none of esbuild's becomes one message. */
export function messagesOf(error: unknown): readonly Message[] {
  if (error instanceof Error && "errors" in error && Array.isArray(error.errors) && error.errors.length > 0) {
    return error.errors;
  }
  const text = error instanceof Error ? error.message : String(error);
  return [{ id: "", pluginName: "", text, location: null, notes: [], detail: error }];
}

function toError(
  rootDir: string,
  handler: string,
  what: string,
  message: Message,
  listed: string[],
  code: ErrorCode = "BUNDLE_FAILED",
): RuntimeError {
  const place = placeOf(message.location);
  const frame = [frameOf(rootDir, message.location), ...listed].filter((part) => part !== "").join("\n");
  const remedy = remedyFor(rootDir, message);
  return new RuntimeError(code, `handler "${handler}" ${what}`, {
    handler,
    ...(place && { place }),
    ...(frame !== "" && { frame }),
    ...(remedy && { remedy }),
  });
}

function placed(message: Message): string {
  const place = placeOf(message.location);
  return place === undefined ? message.text : `${formatPlace(place)}: ${message.text}`;
}

function placeOf(location: Location | null): SourcePlace | undefined {
  if (location === null) return undefined;
  return { file: location.file, line: location.line, column: columnOf(location) };
}

/** esbuild counts bytes from 0; people count characters from 1. */
function columnOf({ lineText, column }: Location): number {
  return Buffer.from(lineText).subarray(0, column).toString().length + 1;
}

function frameOf(rootDir: string, location: Location | null): string {
  if (location === null || isMinified(location)) return "";
  const column = columnOf(location);
  try {
    return codeFrame(readFileSync(resolve(rootDir, location.file), "utf8"), location.line, column);
  } catch {
    return codeFrame(location.lineText, 1, column); // gone meanwhile: esbuild kept the one line
  }
}

/** Nobody is helped by a piece of a line that no one has written. */
function isMinified({ file, lineText }: Location): boolean {
  return file.includes("node_modules/") && lineText.length > LONGEST_LINE;
}

function remedyFor(rootDir: string, message: Message): string | undefined {
  // Of a message that is ours.
  const { remedy } = (message.detail ?? {}) as { readonly remedy?: unknown };
  if (typeof remedy === "string") return remedy;
  if (message.id === "commonjs-variable-in-esm") return NOT_COMMONJS;
  const specifier = unresolvedIn(message);
  if (specifier !== undefined) return remedyForImport(rootDir, message, specifier);
  if (message.text.startsWith("No loader is configured")) {
    return 'Only code, JSON and text can be imported: read other files with `readFile(new URL("./name", import.meta.url))`.';
  }
  return undefined;
}

function remedyForImport(rootDir: string, message: Message, specifier: string): string | undefined {
  if (/^\.{0,2}\//.test(specifier)) return `There is no such file: make it, or correct the path ${specifier}.`;
  if (isBuiltin(`node:${specifier}`)) return `Did you mean "node:${specifier}"?`;
  const name = packageNameOf(specifier);
  const importer = resolve(rootDir, message.location?.file ?? "x");
  const [, asking] = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(importer) ?? [];
  if (name !== undefined && asking !== undefined && !isInstalled(dirname(importer), name)) {
    const other = asking.replaceAll("\\", "/");
    return `The package ${other} uses it where it is installed: write \`external: ["${other}"]\` in handlers.config.ts, or install ${name}.`;
  }
  if (name !== undefined && !isInstalled(dirname(importer), name)) return `Run \`${installCommand(importer, name)}\`.`;
  const note = message.notes.find(({ text }) => text !== "")?.text;
  if (name !== undefined) return `The package ${name} is installed, but has no "${specifier}". ${note ?? ""}`.trimEnd();
  return `Correct the import, or the "paths" of tsconfig.json.`;
}

function isInstalled(from: string, name: string): boolean {
  if (existsSync(join(from, "node_modules", name))) return true;
  const above = dirname(from);
  return above !== from && isInstalled(above, name);
}
