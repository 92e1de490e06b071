// Packages that stay outside of a bundle run when Node would run them.
//
// esbuild prints every import statement where it belongs, among the code of the modules that were put together. But a
// statement runs before all code of its file, wherever it stands: a package would run before the author's own modules
// that are imported first. So each statement is looked at once the bundle is printed:
//
// O1  What comes before any code of the bundle stays a statement.
// O2  What comes later becomes `await import()` in its place, and its names are checked as Node checks them.
// O3  A module that esbuild runs only when it is asked for (by `require` or `import()`) loads its packages then.
// O4  Statements are known by the specifier they were resolved to, which no author writes: no text is mistaken for one.
import type { Metafile } from "esbuild";
import type { Edit } from "./edits.ts";

const MARK = "nats-handlers-import:";
const NAMES = /(?:[\p{ID_Continue}$\s,{}*]|"(?:[^"\\]|\\.)*")*?/u.source;
const STATEMENT = new RegExp(
  `\\b(?<keyword>import|export)\\b(?<clause>${NAMES})(?:\\bfrom\\s*)?(?<specifier>"${MARK}(?<importer>[^:"]*):(?<package>[^:"]*)")(?<attributes>\\s*with\\s*\\{[^}]*\\})?;?`,
  "gu",
);
/** What a module that runs when asked for begins with: one call for each module it imports. */
const RUNS_IMPORT =
  /\s*(?:await\s+)?(?:(?:import_[\p{ID_Continue}$]+\s*=\s*)?__toESM\(require_[\p{ID_Continue}$]+\(\)(?:,\s*1)?\)|(?:init|require)_[\p{ID_Continue}$]+\(\))[;,]?/uy;
const RUN_WHEN_ASKED_FOR = /__esm\(\{\s*(?:async\s*)?("(?:[^"\\]|\\.)*")\(\)\s*\{/g;

/** The specifier to resolve an outside package to, of an import statement. `importer`: its path from the root. */
export function markedSpecifier(importer: string, specifier: string): string {
  return `${MARK}${encodeURIComponent(importer)}:${encodeURIComponent(specifier)}`;
}

export interface PrintedModules {
  /** The key of the handler among the modules. */
  readonly entry: string;
  readonly modules: Metafile["inputs"];
  /** Whether a module has left code in the bundle. */
  readonly hasCode: (module: string) => boolean;
}

/** What is to be changed in `code`, so that none of the marks is left. */
export function orderImports(code: string, modules: PrintedModules): Edit[] {
  if (!code.includes(MARK)) return [];
  const places = packagePlaces(modules);
  const starts = startsOfLazyModules(code, modules);
  return [...code.matchAll(STATEMENT)].flatMap((match) => {
    const statement = readStatement(match);
    const isBeforeCode = places.get(statement.from) === "before code";
    if (isBeforeCode || statement.isExport) return [asItWas(statement)];
    const start = starts.get(statement.importer);
    if (start === undefined) return inPlace(statement, code);
    return whenAskedFor(statement, code, afterImports(code, start, importsBefore(statement, modules)));
  });
}

/** What the edits need of the first line, for code that they have been applied to. */
export function orderHelpers(code: string): readonly string[] {
  return [LOAD, NAMED].filter(({ name }) => code.includes(`${name}(`)).map(({ source }) => source);
}

/** In the order that Node evaluates them in: a module's imports, one after another, then the module. */
function packagePlaces({ entry, modules, hasCode }: PrintedModules): Map<string, "before code" | "after code"> {
  const places = new Map<string, "before code" | "after code">();
  const visited = new Set<string>();
  let codeRan = false;

  function visit(module: string): void {
    visited.add(module);
    for (const { path, kind, external } of modules[module]?.imports ?? []) {
      if (kind !== "import-statement") continue;
      const from = external ? packageOf(path) : undefined;
      if (from !== undefined && !places.has(from)) places.set(from, codeRan ? "after code" : "before code");
      if (!external && path in modules && !visited.has(path)) visit(path);
    }
    codeRan ||= hasCode(module);
  }

  visit(entry);
  return places;
}

/** What such a specifier stands for: a package, or the URL of a file in it. */
export function packageOf(path: string): string | undefined {
  if (!path.startsWith(MARK)) return undefined;
  return decodeURIComponent(path.slice(path.lastIndexOf(":") + 1));
}

/** O3: where the code of such a module begins. */
function startsOfLazyModules(code: string, { modules }: PrintedModules): Map<string, number> {
  const found = [...code.matchAll(RUN_WHEN_ASKED_FOR)].map(
    (match) => [JSON.parse(match[1]!) as string, match.index + match[0].length] as const,
  );
  return new Map(found.filter(([module]) => module in modules));
}

/** How many modules in the bundle the importer imports before this package. */
function importsBefore({ importer, from }: Statement, { modules }: PrintedModules): number {
  const imports = (modules[importer]?.imports ?? []).filter(({ kind }) => kind === "import-statement");
  const at = imports.findIndex(({ path }) => packageOf(path) === from);
  return imports.slice(0, at).filter(({ external }) => external !== true).length;
}

function afterImports(code: string, start: number, count: number): number {
  const pattern = new RegExp(RUNS_IMPORT);
  pattern.lastIndex = start;
  let end = start;
  for (let left = count; left > 0 && pattern.test(code); left--) end = pattern.lastIndex;
  return end;
}

interface Statement {
  readonly at: number;
  readonly length: number;
  readonly specifierAt: number;
  readonly specifierLength: number;
  readonly isExport: boolean;
  readonly importer: string;
  readonly from: string;
  /** With its quotes, and what else `import()` is to be told. */
  readonly argument: string;
  /** `* as name`. */
  readonly space: string | undefined;
  /** As in a pattern: `default: name`. */
  readonly bindings: readonly Binding[];
}

interface Binding {
  readonly name: string;
  readonly local: string;
}

function readStatement(match: RegExpExecArray): Statement {
  const { keyword, clause, specifier, importer, package: from, attributes } = match.groups as Record<string, string>;
  const name = decodeURIComponent(from!);
  const options = attributes === undefined ? "" : `, { with: ${attributes.trim().slice("with".length)} }`;
  return {
    at: match.index,
    length: match[0].length,
    specifierAt: match.index + match[0].indexOf(specifier!),
    specifierLength: specifier!.length,
    isExport: keyword === "export",
    importer: decodeURIComponent(importer!),
    from: name,
    argument: `${JSON.stringify(name)}${options}`,
    space: /\*\s*as\s+([^\s,{}]+)/.exec(clause!)?.[1],
    bindings: bindingsIn(clause!),
  };
}

function bindingsIn(clause: string): Binding[] {
  const [, first] = /^\s*([^\s,{}*"]+)/.exec(clause) ?? [];
  const [, listed = ""] = /\{(.*)\}/s.exec(clause) ?? [];
  const named = listed.match(/"(?:[^"\\]|\\.)*"\s*as\s+[^\s,]+|[^\s,]+(?:\s+as\s+[^\s,]+)?/g) ?? [];
  const bindings = named.map((text) => {
    const [, name = text, local = name] = /^("(?:[^"\\]|\\.)*"|\S+?)(?:\s*as\s+(\S+))?$/.exec(text) ?? [];
    return { name, local };
  });
  return first === undefined ? bindings : [{ name: "default", local: first }, ...bindings];
}

/** O1. */
function asItWas({ specifierAt, specifierLength, from }: Statement): Edit {
  return { at: specifierAt, length: specifierLength, text: JSON.stringify(from) };
}

/** O2. */
function inPlace({ at, length, argument, from, space, bindings }: Statement, code: string): Edit[] {
  const loading = `await import(${argument})`;
  if (space === undefined && bindings.length === 0) return [{ at, length, text: `${loading};` }];
  const names =
    bindings.length === 0 ? [] : [`${pattern(bindings)} = ${NAMED.name}(${loading}, ${JSON.stringify(from)})`];
  if (space === undefined) return [{ at, length, text: `const ${names.join("")};` }];
  const declared = `const ${[`${space} = ${loading}`, ...names].join(", ")};`;
  const usedAt = code.search(new RegExp(`\\b__reExport\\([^(),]+,\\s*${space.replaceAll("$", "\\$")}\\b`, "u"));
  // What is exported on from a package is printed before its import.
  if (usedAt === -1 || usedAt > at) return [{ at, length, text: declared }];
  return [
    { at: usedAt, length: 0, text: `${declared} ` },
    { at, length, text: "" },
  ];
}

/** O3. */
function whenAskedFor({ at, length, from, space, bindings }: Statement, code: string, start: number): Edit[] {
  const locals = [...(space === undefined ? [] : [space]), ...bindings.map(({ local }) => local)];
  const loading = `${LOAD.name}(${JSON.stringify(from)})`;
  const steps = [
    ...(space === undefined ? [] : [`${space} = ${loading}`]),
    ...(bindings.length === 0 ? [] : [`(${pattern(bindings)} = ${NAMED.name}(${loading}, ${JSON.stringify(from)}))`]),
  ];
  const step = steps.length === 0 ? loading : steps.join(", ");
  // Shortened code has one expression where there were statements, and no semicolon at the end of a block.
  const before = code[start - 1];
  const text = before === "," ? `${step},` : `${before === ")" ? ";" : ""} ${step};`;
  return [
    { at, length, text: locals.length === 0 ? "" : `let ${locals.join(", ")};` },
    { at: start, length: 0, text },
  ];
}

function pattern(bindings: readonly Binding[]): string {
  return `{ ${bindings.map(({ name, local }) => `${name}: ${local}`).join(", ")} }`;
}

/** As `import` of a name that is not there: it throws. */
const NAMED = {
  name: "__natsHandlersNamed",
  source: [
    `var __natsHandlersNamed = (space, from) => new Proxy(space, { get: (_, name) => {`,
    `if (name in space) return space[name];`,
    `throw new SyntaxError("The requested module '" + from + "' does not provide an export named '" + String(name) + "'"); } });`,
  ].join(" "),
};

/** As `import`, at once: the same file, and of a CommonJS package what `import` makes of it. */
const LOAD = {
  name: "__natsHandlersLoad",
  source: [
    `var __natsHandlersLoad = (from) => {`,
    `const url = import.meta.resolve(from);`,
    `const loaded = require(url.startsWith("file:") ? __natsHandlersPath(url) : url);`,
    `if (Object.prototype.toString.call(loaded) === "[object Module]") return loaded;`,
    `const names = Object.keys(Object(loaded)).filter((name) => name !== "default");`,
    `const space = { get default() { return loaded; } };`,
    `for (const name of names) Object.defineProperty(space, name, { get: () => loaded[name], enumerable: true });`,
    `return space; };`,
  ].join(" "),
};
