// `handlers new NAME`: writes a handler file that works as it is.

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { handlerFileOf } from "../../discover/rules.ts";
import { RuntimeError } from "../../errors.ts";
import { didYouMean } from "../../metadata/nearest.ts";
import { validateSubject } from "../../metadata/subject.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import { handlerSource, isKind, KINDS, type Kind } from "../handler-template.ts";
import type { Invocation } from "../invocation.ts";
import { printLine } from "../terminal.ts";

export interface NewOptions {
  readonly kind: string;
  readonly subject?: string;
}

export async function newHandler(word: string, { terminal, options }: Invocation<NewOptions>): Promise<ExitCode> {
  const kind = readKind(options.kind);
  const config = await loadProject(terminal, options, "dev");
  const name = readName(word, config);
  const subject = readSubject(options.subject ?? name.replaceAll("/", "."));
  const path = join(config.handlersDir, `${name}.ts`);
  const shown = relative(config.rootDir, path);
  refuseExisting(config, name);
  await mkdir(dirname(path), { recursive: true });
  // "wx" refuses a file that has come into being since.
  await writeFile(path, handlerSource(kind, subject), { flag: "wx" });
  const { out } = terminal;
  printLine(out, `${out.paint("green", "✓")} wrote ${out.paint("bold", shown)}: ${kind} handler of "${subject}"`);
  printLine(
    out,
    `\n  npx handlers dev\n  npx handlers ${kind === "request" ? "request" : "send"} ${exampleOf(subject)} '{"name":"world"}'`,
  );
  return 0;
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
