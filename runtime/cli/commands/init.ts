// `npx nats-handlers init [DIR]`: a new project that works as it is. What is there already stays as it is.

import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { RuntimeError } from "../../errors.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { packageVersion } from "../package-version.ts";
import { DEV_PACKAGES, PACKAGES, projectFiles, SCRIPTS } from "../project-files.ts";

export interface InitOptions {
  readonly name?: string;
}

const INTERRUPTED: ExitCode = 130;

export async function init(
  folder: string | undefined,
  { terminal, options }: Invocation<InitOptions>,
): Promise<ExitCode> {
  const said = folder ?? (await answerTo(terminal, "Folder of the project", "."));
  if (said === undefined) return INTERRUPTED;
  const rootDir = resolve(terminal.cwd, options.cwd ?? "", said);
  const named = options.name ?? (await answerTo(terminal, "Its name", nameFrom(basename(rootDir))));
  if (named === undefined) return INTERRUPTED;
  const name = readName(named);
  const files = projectFiles({ name, runtimeVersion: packageVersion() });
  const kept: string[] = [];
  for (const [path, text] of Object.entries(files)) if (!(await write(rootDir, path, text))) kept.push(path);
  tell({ rootDir, name, written: Object.keys(files).length - kept.length, kept }, terminal);
  return 0;
}

/** What somebody types, or the default where nobody can be asked; undefined: rather not. */
async function answerTo({ ask }: Terminal, question: string, fallback: string): Promise<string | undefined> {
  if (ask === undefined) return fallback;
  const answer = await ask(`${question} (${fallback}): `);
  return answer === undefined ? undefined : answer.trim() || fallback;
}

/** A folder's name in the letters that packages and apps share. */
function nameFrom(folder: string): string {
  const fitting = folder
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
  return fitting === "" ? "app" : fitting;
}

/** Throws USAGE. */
function readName(name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) return name;
  const received = `received ${JSON.stringify(name)}`;
  throw new RuntimeError("USAGE", `--name needs 1 to 64 of a to z, digits and "-", which is not first; ${received}`, {
    remedy: "It names the package, the durables and the streams of the app.",
  });
}

/** False when there is a file of that name. Throws USAGE. */
async function write(rootDir: string, path: string, text: string): Promise<boolean> {
  try {
    await mkdir(dirname(join(rootDir, path)), { recursive: true });
    // "wx" refuses a file that is there.
    await writeFile(join(rootDir, path), text, { flag: "wx" });
    return true;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new RuntimeError("USAGE", `${path} cannot be written: ${message}`, { cause });
  }
}

interface Told {
  readonly rootDir: string;
  readonly name: string;
  readonly written: number;
  readonly kept: readonly string[];
}

function tell({ rootDir, name, written, kept }: Told, { cwd, out }: Terminal): void {
  const shown = relative(cwd, rootDir) || ".";
  const what = `${written} ${written === 1 ? "file" : "files"} of project "${name}"`;
  printLine(out, `${out.paint("green", "✓")} wrote ${what} into ${out.paint("bold", shown)}`);
  if (kept.length > 0)
    printLine(out, `${out.paint("yellow", "!")} there already, and left as it was: ${kept.join(", ")}`);
  const steps = [
    ...(shown === "." ? [] : [`cd ${/\s/.test(shown) ? JSON.stringify(shown) : shown}`]),
    ...(kept.includes("package.json") ? stepsOfOldPackage() : ["npm install"]),
    "npm test",
    "npm run dev",
  ];
  printLine(out, `\n${steps.map((step) => `  ${step}`).join("\n")}`);
  printLine(out, `\nand, while it runs, in a second terminal:\n`);
  printLine(out, `  npx handlers request orders.place '{"item":"pear","cents":250}'`);
}

function stepsOfOldPackage(): string[] {
  const scripts = Object.entries(SCRIPTS).map(([script, text]) => `scripts.${script}=${JSON.stringify(text)}`);
  return [
    `npm install nats-handlers ${Object.keys(PACKAGES).join(" ")}`,
    `npm install --save-dev ${Object.keys(DEV_PACKAGES).join(" ")}`,
    `npm pkg set type=module ${scripts.join(" ")}`,
  ];
}
