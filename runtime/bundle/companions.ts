// The modules that a handler does not import but runs by their place, such as workers: built with it, and gone with it.
//
// P1  Each is a module of its own beside the handler's bundle. Its code is part of the handler's version, and its sources are
//     among the handler's inputs.
// P2  A module that reaches itself means its own bundle.
import { relative, sep } from "node:path";
import type { Message } from "esbuild";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { Compiled } from "./compiler.ts";
import { problemsOf } from "./reached-problems.ts";

type Good = Extract<Compiled, { ok: true }>;

export interface Companion {
  readonly file: HandlerFile;
  readonly compiled: Good;
  /** Those that this one reaches. */
  readonly companions: readonly Companion[];
}

/** Fails as esbuild does, with its messages. */
export class CompanionsFailed extends Error {
  readonly errors: readonly Message[];
  /** Absolute paths of the modules that were read. */
  readonly inputs: readonly string[];

  constructor(errors: readonly Message[], inputs: readonly string[] = []) {
    super("what a handler reaches does not build");
    this.errors = errors;
    this.inputs = inputs;
  }
}

/** Absolute paths of the code that `compiled` runs by its place, itself left out (P2). */
export function codeReached(file: HandlerFile, compiled: Good): string[] {
  const paths = compiled.reached.flatMap((one) => (one.kind === "code" ? [one.path] : []));
  return [...new Set(paths)].filter((path) => path !== file.path);
}

export function companionFile(rootDir: string, path: string): HandlerFile {
  const displayPath = relative(rootDir, path).split(sep).join("/");
  return { name: `@reached/${displayPath.replace(/\.\w+$/, "")}`, path, displayPath };
}

/** Throws CompanionsFailed when one of them does not build, or names a file that is not there. */
export async function compileCompanions(
  file: HandlerFile,
  compiled: Good,
  { rootDir, compile }: { rootDir: string; compile(files: readonly HandlerFile[]): Promise<Compiled[]> },
  above: readonly string[] = [],
): Promise<Companion[]> {
  const missing = problemsOf(rootDir, compiled.reached, ["missing"]);
  if (missing.length > 0) throw new CompanionsFailed(missing, compiled.inputs);
  const chain = [...above, file.path];
  const files = codeReached(file, compiled).map((path) => companionFile(rootDir, path));
  const circle = files.find(({ path }) => chain.includes(path));
  if (circle !== undefined) throw new CompanionsFailed([circleMessage(circle, file)]);
  return Promise.all(
    files.map(async (one): Promise<Companion> => {
      const [built] = await compile([one]);
      if (built?.ok !== true) throw new CompanionsFailed(built?.messages ?? [], built?.inputs);
      const companions = await compileCompanions(one, built, { rootDir, compile }, chain);
      return { file: one, compiled: built, companions };
    }),
  );
}

/** Of all of them, those below included. */
export function flatten(companions: readonly Companion[]): Companion[] {
  return companions.flatMap((one) => [one, ...flatten(one.companions)]);
}

/** Two modules that reach each other have no versions of their own. */
export function circleMessage(circle: HandlerFile, file: HandlerFile): Message {
  const text = `${file.displayPath} and ${circle.displayPath} run each other by their places, in a circle`;
  return { id: "", pluginName: "", text, location: null, notes: [], detail: undefined };
}
