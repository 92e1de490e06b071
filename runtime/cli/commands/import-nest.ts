// `handlers import nest FILE...`: writes what methods of Nest controllers are as handlers, and lists those that it leaves, with the reasons.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { RuntimeError } from "../../errors.ts";
import { claimsText } from "../../metadata/claims.ts";
import { importNest, type MethodPlace, type NestImport, type NewFile } from "../../moving/import-nest.ts";
import { tableLines } from "../../terminal/table.ts";
import { type Output, printLine } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";

export interface ImportNestOptions {
  readonly module?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** 1 when a method was left. */
export async function importNestControllers(
  files: readonly string[],
  { terminal, options }: Invocation<ImportNestOptions>,
): Promise<ExitCode> {
  const { rootDir, handlersDir } = await loadProject(terminal, options, "dev");
  const { cwd, out } = terminal;
  const module = options.module === undefined ? undefined : resolve(cwd, options.module);
  const found = importNest({ rootDir, handlersDir, files: files.map((file) => resolve(cwd, file)), module });
  if (options.dryRun !== true) for (const file of [...found.shared, ...found.imported]) await write(rootDir, file);
  if (options.json === true) printLine(out, asJson(rootDir, found));
  else tell(out, rootDir, found, options.dryRun === true ? "would write" : "wrote");
  return found.left.length === 0 ? 0 : 1;
}

/** Throws USAGE. */
async function write(rootDir: string, { path, text }: NewFile): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    // "wx" refuses a file that has come into being since.
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    const shown = relative(rootDir, path);
    throw new RuntimeError("USAGE", `${shown} cannot be written: ${(cause as Error).message}`, { cause });
  }
}

function asJson(rootDir: string, { imported, left, shared, hooks }: NestImport): string {
  const written = imported.map(({ path, text: _text, ...method }) => ({ ...method, handler: relative(rootDir, path) }));
  return JSON.stringify({ imported: written, left, shared: shared.map(({ path }) => relative(rootDir, path)), hooks });
}

function tell(out: Output, rootDir: string, { imported, left, shared, hooks }: NestImport, did: string): void {
  const rows = imported.map(({ path, subjects, ...place }) => [
    relative(rootDir, path),
    claimsText(subjects),
    `${place.method} (${placeText(place)})`,
  ]);
  for (const row of tableLines(rows, out.columns - 2)) printLine(out, `${out.paint("green", "✓")} ${row}`);
  for (const { reasons, ...place } of left) {
    printLine(out, `${out.paint("red", "✗")} ${out.paint("bold", place.method)} (${placeText(place)})`);
    for (const reason of reasons) printLine(out, `    ${reason}`);
  }
  for (const { notes, ...place } of imported)
    for (const note of notes)
      printLine(out, `${out.paint("yellow", "!")} ${place.method} (${placeText(place)}): ${note}`);
  for (const hook of hooks)
    printLine(
      out,
      `${out.paint("yellow", "!")} ${hook.method} (${placeText(hook)}) is a hook: move what it does to setup`,
    );
  const and = shared.map(({ path }) => `, and ${relative(rootDir, path)}`).join("");
  printLine(out, `${did} ${imported.length} of ${imported.length + left.length} methods as handlers${and}`);
  printLine(out, "What an app does for all its controllers (useGlobalPipes, APP_GUARD, ...) is not looked for.");
}

function placeText({ file, line }: MethodPlace): string {
  return `${file}:${line}`;
}
