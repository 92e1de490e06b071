// What an error means that a handler of a build has where nothing of the project is to be seen: told by the project's own
// files, and with what to write when a package is missed there that the project has.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageNameOf } from "../bundle/bare-imports.ts";
import { codeFrame } from "../bundle/frame.ts";
import { RuntimeError, type SourcePlace } from "../errors.ts";
import { BUILD_DIR } from "./layout.ts";
import { findPackage, packageManifest } from "./packages.ts";

export interface ElsewhereRequest {
  readonly rootDir: string;
  /** What stood for the root. */
  readonly place: string;
  /** The handler's file, from the root. */
  readonly file: string;
  /** Names of the packages that the build has. */
  readonly copied: readonly string[];
}

export function toldAtHome(error: RuntimeError, request: ElsewhereRequest): RuntimeError {
  const { rootDir, place, file, copied } = request;
  const at = (text: string) => text.replaceAll(join(place, BUILD_DIR), BUILD_DIR).replaceAll(place, rootDir);
  const told = placeAtHome(error.place, file);
  const frame = error.frame ?? frameAt(rootDir, told);
  const missed = missedPackage(`${error.message} ${error.stack ?? ""}`, rootDir, copied);
  const remedy = missed === undefined ? error.remedy : leaveOut(missed);
  return new RuntimeError(error.code, at(error.message), {
    ...(error.handler === undefined ? {} : { handler: error.handler }),
    ...(told === undefined ? {} : { place: told }),
    ...(frame === undefined ? {} : { frame }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(error.stack === undefined ? {} : { stack: at(error.stack) }),
    cause: error.cause,
  });
}

/** Built code is nobody's place. */
function placeAtHome(place: SourcePlace | undefined, file: string): SourcePlace | undefined {
  return place?.file.startsWith(`${BUILD_DIR}/`) ? { file } : place;
}

function frameAt(rootDir: string, place: SourcePlace | undefined): string | undefined {
  if (place?.line === undefined || !existsSync(join(rootDir, place.file))) return undefined;
  return codeFrame(readFileSync(join(rootDir, place.file), "utf8"), place.line, place.column ?? 1) || undefined;
}

/** A package that the error speaks of, that the project has and the build has not. */
function missedPackage(text: string, rootDir: string, copied: readonly string[]): string | undefined {
  const [, , specifier] = /Cannot find (package|module) '([^']+)'/.exec(text) ?? [];
  const named = specifier === undefined ? undefined : packageNameOf(specifier);
  const isThere = (name: string) => !copied.includes(name) && findPackage(rootDir, name) !== undefined;
  if (named !== undefined) return isThere(named) ? named : undefined;
  const { dependencies, devDependencies, optionalDependencies } = packageManifest(rootDir);
  const words = new Set(text.split("\n")[0]!.split(/[^\w@./-]+/));
  return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).find(
    (name) => words.has(name) && isThere(name),
  );
}

function leaveOut(name: string): string {
  return `The project has ${name}, and a build has only what it is seen to need: write \`external: ["${name}"]\` in handlers.config.ts, and ${name} is copied.`;
}
