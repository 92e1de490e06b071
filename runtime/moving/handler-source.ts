// The text of a handler's file, from what was taken over. Pure.

import type { NeededImport, NeededService } from "./transcript.ts";

export interface HandlerParts {
  readonly subjects: readonly string[];
  readonly kind: "event" | "request";
  readonly imports: readonly NeededImport[];
  readonly declarations: readonly string[];
  readonly services: readonly NeededService[];
  readonly functions: readonly string[];
  readonly takesContext: boolean;
  /** How the file imports Nest's container. */
  readonly container: string;
  /** The comment above the method, if it has one. */
  readonly comment: string;
  readonly handler: string;
}

export function handlerText(parts: HandlerParts): string {
  const body = [
    ...parts.declarations,
    metadataText(parts),
    ...servicesText(parts),
    `${parts.comment}export default ${parts.handler}`,
    ...parts.functions,
  ].join("\n\n");
  return `${importsText(parts)}\n\n${body}\n`;
}

function importsText({ imports, takesContext, services, container }: HandlerParts): string {
  const ours = takesContext ? "HandlerContext, HandlerMetadata" : "HandlerMetadata";
  const lines = [{ module: "nats-handlers", line: `import type { ${ours} } from "nats-handlers";` }];
  if (services.length > 0) lines.push({ module: container, line: `import { nest } from "${container}";` });
  for (const module of new Set(imports.map((each) => each.module)))
    for (const line of linesOf(imports.filter((each) => each.module === module))) lines.push({ module, line });
  return lines
    .sort((a, b) => Number(isOwn(a.module)) - Number(isOwn(b.module)) || compare(a.module, b.module))
    .map(({ line }) => line)
    .join("\n");
}

function isOwn(module: string): boolean {
  return module.startsWith(".");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The imports from one module. */
function linesOf(imports: readonly NeededImport[]): string[] {
  const [{ module = "" } = {}] = imports;
  const from = ` from ${JSON.stringify(module)};`;
  const whole = imports.flatMap(({ name, local, isType }) => {
    const word = isType ? "import type" : "import";
    if (name === "default") return [`${word} ${local}${from}`];
    return name === "*" ? [`${word} * as ${local}${from}`] : [];
  });
  const named = imports
    .filter(({ name }) => name !== "default" && name !== "*")
    .sort((a, b) => compare(a.name, b.name));
  if (named.length === 0) return whole;
  const onlyTypes = named.every(({ isType }) => isType);
  const names = named.map(({ name, local, isType }) => {
    const word = isType && !onlyTypes ? "type " : "";
    return `${word}${name === local ? local : `${name} as ${local}`}`;
  });
  return [...whole, `import ${onlyTypes ? "type " : ""}{ ${names.join(", ")} }${from}`];
}

function metadataText({ subjects, kind, declarations, functions, handler }: HandlerParts): string {
  const [only = ""] = subjects;
  const texts = [...declarations, ...functions, handler].join("\n");
  const env = [...new Set([...texts.matchAll(/\bprocess\.env\.([A-Za-z_]\w*)/g)].map(([, name = ""]) => name))];
  const lines = [
    `subject: ${subjects.length === 1 ? quoted(only) : list(subjects)}`,
    ...(kind === "request" ? ['kind: "request"'] : []),
    'envelope: "nest"',
    ...(env.length === 0 ? [] : [`env: ${list(env)}`]),
  ];
  return `export const metadata = {\n${lines.map((line) => `  ${line},\n`).join("")}} satisfies HandlerMetadata;`;
}

function list(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(", ")}]`;
}

function quoted(text: string): string {
  return text.includes('"') && !/['\\\n]/.test(text) ? `'${text}'` : JSON.stringify(text);
}

function servicesText({ services, container }: HandlerParts): string[] {
  if (services.length === 0) return [];
  const gets = services.map(({ local, token }) => `  ${local} = container.get(${token}, { strict: false });\n`);
  return [
    services.map(({ local, type }) => `let ${local}: ${type};`).join("\n"),
    `export async function setup() {\n  const container = await nest();\n${gets.join("")}}`,
    `export { closeNest as teardown } from "${container}";`,
  ];
}

/** `_nest.ts`: the container for all handlers, each of which has one in its process. */
export function containerText(module: string, name: string): string {
  return `// Nest's container: built once for each handler's process, by the handler's \`setup\`. Nothing listens in it.

import "reflect-metadata";
import type { INestApplicationContext } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ${name} } from "${module}";

let built: Promise<INestApplicationContext> | undefined;

export function nest(): Promise<INestApplicationContext> {
  built ??= NestFactory.createApplicationContext(${name}, { logger: ["error", "warn"], abortOnError: false });
  return built;
}

export async function closeNest(): Promise<void> {
  await (await built)?.close();
}
`;
}
