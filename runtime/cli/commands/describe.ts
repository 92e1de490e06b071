// `handlers describe`: the app as an AsyncAPI document, and what a change of it breaks. Needs no NATS.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { type AsyncApiDocument, asyncApiOf, documentText } from "../../describe/asyncapi.ts";
import { type Break, breaksBetween } from "../../describe/changes.ts";
import { RuntimeError } from "../../errors.ts";
import { type Output, printLine, type Terminal } from "../../terminal/terminal.ts";
import { describedHere } from "../described-here.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";

export interface DescribeOptions {
  /** A document of before; true: with what runs. */
  readonly check?: string | true;
  /** What runs, on all of this NATS. */
  readonly fleet?: boolean;
  /** How many stored messages to look at, instead. */
  readonly stored?: string;
  readonly json?: boolean;
}

export async function describe({ terminal, options }: Invocation<DescribeOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const { stored, fleet } = options;
  const check = fileToCheck(options);
  if (fleet === true) {
    const { describeFleet } = await import("./describe-fleet.ts");
    return describeFleet({ terminal, options });
  }
  if (stored !== undefined) {
    const { describeStored } = await import("./describe-stored.ts");
    return describeStored({ terminal, options: { ...options, stored } });
  }
  const before = check === undefined ? undefined : await readDocument(resolve(terminal.cwd, check));
  const config = await loadProject(terminal, options, "dev");
  const handlers = await describedHere(terminal, config);
  if (handlers === undefined) return 1;
  const { document, problems } = asyncApiOf({ app: config.app, ...(await packageOf(config)) }, handlers);
  for (const problem of problems) printLine(err, `${err.paint("yellow", "!")} ${problem}`);
  if (before === undefined) {
    out.write(documentText(document));
    return 0;
  }
  return tellBreaks(breaksBetween(before, document), terminal, options);
}

/** Throws USAGE where options contradict each other, or nothing is said to compare with. */
function fileToCheck({ check, fleet = false, stored }: DescribeOptions): string | undefined {
  const said = [typeof check === "string" && "--check FILE", fleet && "--fleet", stored !== undefined && "--stored"];
  const sources = said.filter((one) => one !== false);
  if (sources.length > 1)
    throw new RuntimeError("USAGE", `${sources.join(" and ")} exclude each other: they compare with different things`);
  if (check !== true) return check;
  if (fleet) return undefined;
  throw new RuntimeError("USAGE", "--check: with what?", {
    remedy:
      "Name the document of what is deployed (--check asyncapi.json), or compare with what runs (--check --fleet).",
  });
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
