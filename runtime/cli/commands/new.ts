// `handlers new NAME`: writes a handler file that works as it is.

import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { handlerFileOf } from "../../discover/rules.ts";
import { RuntimeError } from "../../errors.ts";
import { didYouMean } from "../../metadata/nearest.ts";
import { validateSubject } from "../../metadata/subject.ts";
import { printLine } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import { handlerSource, isKind, KINDS, type Kind, type Runner, testSource } from "../handler-template.ts";
import type { Invocation } from "../invocation.ts";

export interface NewOptions {
  readonly kind: string;
  readonly subject?: string;
  readonly test?: boolean;
}

const RUN_TESTS: Readonly<Record<Runner, string>> = {
  vitest: "npx vitest run",
  jest: "npx jest",
  node: "node --test",
};

export async function newHandler(word: string, { terminal, options }: Invocation<NewOptions>): Promise<ExitCode> {
  const kind = readKind(options.kind);
  const config = await loadProject(terminal, options, "dev");
  const name = readName(word, config);
  const subject = readSubject(options.subject ?? name.replaceAll("/", "."));
  const path = join(config.handlersDir, `${name}.ts`);
  const shown = relative(config.rootDir, path);
  const example = exampleOf(subject);
  refuseExisting(config, name);
  await write(path, shown, handlerSource(kind, subject));
  const { out } = terminal;
  const tick = out.paint("green", "✓");
  printLine(out, `${tick} wrote ${out.paint("bold", shown)}: ${kind} handler of "${subject}"`);
  let tests = "";
  if (options.test === true) {
    const runner = runnerOf(config.rootDir);
    const testFile = shown.replace(/\.ts$/, ".test.ts");
    await write(join(config.rootDir, testFile), testFile, testSource(runner, basename(path, ".ts"), subject, example));
    printLine(out, `${tick} wrote ${out.paint("bold", testFile)}`);
    tests = `  ${RUN_TESTS[runner]} ${testFile}\n`;
  }
  const verb = kind === "request" ? "request" : "send";
  printLine(out, `\n${tests}  npx handlers dev\n  npx handlers ${verb} ${example} '{"name":"world"}'`);
  return 0;
}

/** Throws USAGE. */
async function write(path: string, shown: string, source: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    // "wx" refuses a file that has come into being since.
    await writeFile(path, source, { flag: "wx" });
  } catch (cause) {
    throw new RuntimeError("USAGE", `${shown} cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/** What the project tests with, as its package.json says. */
function runnerOf(rootDir: string): Runner {
  try {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(rootDir, "package.json"), "utf8"));
    const packages = { ...dependencies, ...devDependencies };
    return (["vitest", "jest"] as const).find((name) => name in packages) ?? "node";
  } catch {
    return "node"; // Without a package.json, or with a broken one: npm's to complain about.
  }
}

function readKind(word: string): Kind {
  if (isKind(word)) return word;
  const hint = didYouMean(word, KINDS);
  throw new RuntimeError("USAGE", `--kind must be ${KINDS.join(", ")}; received ${JSON.stringify(word)}.${hint}`);
}

/** `todo/save`, also when the whole path is given. */
function readName(word: string, { rootDir, handlersDir }: ResolvedConfig): string {
  const folder = `${relative(rootDir, handlersDir)}/`;
  const name = word.replace(/^\.\//, "").replace(/\.m?[jt]s$/, "");
  const below = name.startsWith(folder) ? name.slice(folder.length) : name;
  const file = handlerFileOf(rootDir, handlersDir, join(handlersDir, `${below}.ts`));
  if (file?.name === below) return below;
  throw new RuntimeError("USAGE", `a handler cannot be called ${JSON.stringify(word)}`, {
    remedy:
      "Use letters A to Z, digits, `_`, `-`, `.` and `/`; no part may start with `_` or `.`, nor the name end in .test.",
  });
}

function readSubject(subject: string): string {
  const problem = validateSubject(subject);
  if (problem === undefined) return subject;
  throw new RuntimeError("USAGE", `the subject ${problem}; received ${JSON.stringify(subject)}`, {
    remedy: "Name one with --subject, such as orders.created or orders.*.",
  });
}

function refuseExisting({ handlersDir, rootDir }: ResolvedConfig, name: string): void {
  const taken = ["ts", "mts", "js", "mjs"]
    .map((extension) => join(handlersDir, `${name}.${extension}`))
    .find(existsSync);
  if (taken === undefined) return;
  throw new RuntimeError("USAGE", `${relative(rootDir, taken)} exists already; it is left as it is`);
}

/** A subject that a message can be published to. */
function exampleOf(subject: string): string {
  return subject.replace(/(?<=^|\.)[*>](?=\.|$)/g, "example");
}
