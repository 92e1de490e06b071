// `handlers describe`: the app as an AsyncAPI document, and what a change of it breaks. Needs no NATS.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { asDescribed } from "../../describe/app.ts";
import { type AsyncApiDocument, asyncApiOf, documentText } from "../../describe/asyncapi.ts";
import { type Break, breaksBetween } from "../../describe/changes.ts";
import { RuntimeError } from "../../errors.ts";
import { type Output, printLine, type Terminal } from "../../terminal/terminal.ts";
import { badIn, printCheck } from "../check-report.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { checkOptions } from "../project-check.ts";

export interface DescribeOptions {
  /** A document of before. */
  readonly check?: string;
  /** How many stored messages to look at, instead. */
  readonly stored?: string;
  readonly json?: boolean;
}

export async function describe({ terminal, options }: Invocation<DescribeOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const { stored } = options;
  if (stored !== undefined && options.check !== undefined)
    throw new RuntimeError("USAGE", "--check and --stored exclude each other: they compare with different things");
  if (stored !== undefined) {
    const { describeStored } = await import("./describe-stored.ts");
    return describeStored({ terminal, options: { ...options, stored } });
  }
  const before = options.check === undefined ? undefined : await readDocument(resolve(terminal.cwd, options.check));
  const config = await loadProject(terminal, options, "dev");
  const { checkProject } = await import("../../compose/check-and-build.ts");
  const checked = await checkProject({ ...checkOptions(terminal, config), describe: true });
  const asChecked = { ...checked, handlers: checked.handlers.map((one) => ({ ...one, disabledBy: undefined })) };
  if (badIn(asChecked) > 0) {
    printCheck(err, asChecked);
    return 1;
  }
  const handlers = checked.handlers.filter((handler) => handler.ok).map((handler) => asDescribed(config.app, handler));
  const { document, problems } = asyncApiOf({ app: config.app, ...(await packageOf(config)) }, handlers);
  for (const problem of problems) printLine(err, `${err.paint("yellow", "!")} ${problem}`);
  if (before === undefined) {
    out.write(documentText(document));
    return 0;
  }
  return tellBreaks(breaksBetween(before, document), terminal, options);
}

function tellBreaks(breaks: readonly Break[], { out, err }: Terminal, { json, check = "" }: DescribeOptions): ExitCode {
  if (json === true) printLine(out, JSON.stringify({ breaks }, null, 2));
  else if (breaks.length === 0) printLine(err, `nothing breaks who knows the app as ${check} has it`);
  else for (const one of breaks) printLine(out, breakLine(one, out));
  return breaks.length === 0 ? 0 : 1;
}

/** `todo.newitem: "id" is required, and may be missing (required) · breaks senders` */
function breakLine({ subject, path, rule, text, breaks }: Break, { paint }: Output): string {
  const where = path === "" ? "" : ` "${path}"`;
  return `${paint("red", "✗")} ${subject}:${where} ${text} ${paint("dim", `(${rule}) · breaks ${breaks}`)}`;
}

async function readDocument(path: string): Promise<AsyncApiDocument> {
  try {
    const document = JSON.parse(await readFile(path, "utf8")) as Partial<AsyncApiDocument>;
    const { asyncapi = "", channels, operations, components } = document;
    if (asyncapi.startsWith("3.") && channels && operations && components?.messages)
      return document as AsyncApiDocument;
  } catch (cause) {
    throw new RuntimeError("USAGE", `--check: ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  throw new RuntimeError("USAGE", `--check: ${path} is no document of \`handlers describe\``, {
    remedy: "Make one of the version that is deployed: handlers describe > asyncapi.json",
  });
}

async function packageOf({ rootDir }: ResolvedConfig): Promise<{ version: string; description: string }> {
  const text = await readFile(join(rootDir, "package.json"), "utf8").catch(() => "{}");
  const { version, description } = parsed(text);
  return { version: typed(version) ?? "0.0.0", description: typed(description) ?? "" };
}

/** A broken one is npm's to complain about. */
function parsed(text: string): { readonly version?: unknown; readonly description?: unknown } {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

function typed(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
