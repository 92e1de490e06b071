// The shape of the code: who may import whom, as ARCHITECTURE.md says, and the house rules that a machine can see.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The worker has no supervisor to be given a clock by; nobody tests it with a fake one. */
const OWN_TIME = ["runtime/clock.ts", "runtime/isolate/worker/"];
const TIME = /\b(setTimeout|setInterval|Date\.now|performance\.now|new Date\(\)|timers\/promises)/;

interface Source {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly { readonly from: string; readonly typeOnly: boolean }[];
}

const sources = ["sdk", "runtime", "handlers"].flatMap(sourcesBelow);
const runtimeAndSdk = sources.filter(({ path }) => !path.startsWith("handlers/"));
const table = readTable(readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8"));

describe("imports", () => {
  it("the table names every folder, and nothing that is not there", () => {
    const units = [...new Set(runtimeAndSdk.map(({ path }) => unitOf(path)))];
    // A file beside the folders that has no row may import nothing of ours.
    expect(units.filter((unit) => !unit.endsWith(".ts") && !table.has(unit))).toEqual([]);
    expect([...table.keys()].filter((unit) => !units.includes(unit))).toEqual([]);
  });

  it("every import goes where the table allows", () => {
    const wrong = runtimeAndSdk.flatMap(({ path, imports }) =>
      imports
        .map(({ from }) => targetOf(path, from))
        .filter((target) => target !== undefined && !mayImport(unitOf(path), unitOf(target)))
        .map((target) => `${path} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("handlers know the sdk by its package name, and nothing of the runtime", () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith("handlers/"))
      .flatMap(({ path, imports }) => imports.map(({ from }) => [path, targetOf(path, from) ?? "handlers/"] as const))
      .filter(([, target]) => !target.startsWith("handlers/"));
    expect(wrong).toEqual([]);
  });

  it("what runs in the worker is imported by nobody outside it, types aside", () => {
    const wrong = sources
      .filter(({ path }) => !path.startsWith("runtime/isolate/worker/"))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ from, typeOnly }) => !typeOnly && targetOf(path, from)?.startsWith("runtime/isolate/worker/"))
          .map(({ from }) => `${path} -> ${from}`),
      );
    expect(wrong).toEqual([]);
  });

  it("relative imports name their file with its extension", () => {
    const wrong = runtimeAndSdk.flatMap(({ path, imports }) =>
      imports.filter(({ from }) => from.startsWith(".") && !from.endsWith(".ts")).map(({ from }) => `${path}: ${from}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe("house rules", () => {
  it("clock.ts is the only file of the supervisor that touches timers or the time of day", () => {
    const wrong = runtimeAndSdk
      .filter(({ path }) => !OWN_TIME.some((own) => path.startsWith(own)))
      .filter(({ text }) => TIME.test(withoutComments(text)));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it("exports have names", () => {
    const wrong = runtimeAndSdk.filter(({ text }) => /^export default\b/m.test(withoutTemplates(text)));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it("a file opens with its purpose", () => {
    const wrong = runtimeAndSdk.filter(({ text }) => !/^(#!.*\n)?\/\//.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it("no file has more than 400 lines", () => {
    const long = runtimeAndSdk.filter(({ text }) => text.split("\n").length - 1 > 400);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it("there is no drawer for everything", () => {
    const wrong = sources.filter(({ path }) => /\/(utils?|helpers?|types|common|misc|manager)\.ts$/.test(path));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

function sourcesBelow(folder: string): Source[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => {
      const path = `${folder}/${file.replaceAll("\\", "/")}`;
      const text = readFileSync(join(ROOT, path), "utf8");
      return { path, text, imports: importsOf(text) };
    });
}

function importsOf(text: string): Source["imports"] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^;"']*?from\s+"([^"]+)"/gm);
  const bare = text.matchAll(/(?:^import\s+|\bimport\()"([^"]+)"/gm);
  return [
    ...[...statements].map(([, type, from = ""]) => ({ from, typeOnly: type !== undefined })),
    ...[...bare].map(([, from = ""]) => ({ from, typeOnly: false })),
  ];
}

/** The rows `| folder | may import |`, by folder or file. */
function readTable(markdown: string): Map<string, string[]> {
  const rows = markdown.matchAll(/^\| ((?:sdk|runtime\/)[\w./-]*) \|(.*)\|$/gm);
  return new Map([...rows].map(([, unit = "", allowed = ""]) => [unit, allowed.trim().split(/\s+/).filter(Boolean)]));
}

/** The file's row in the table: `runtime/bind`, `runtime/clock.ts`, `sdk`. */
function unitOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "runtime" ? `${top}/${second}` : top;
}

/** The file an import leads to, from the root; undefined for packages and Node's own modules. */
function targetOf(path: string, from: string): string | undefined {
  if (!from.startsWith(".")) return undefined;
  return relative(ROOT, resolve(ROOT, dirname(path), from)).replaceAll("\\", "/");
}

function mayImport(unit: string, target: string): boolean {
  if (unit === target) return true;
  const allowed = table.get(unit) ?? [];
  if (allowed.join(" ") === "everything below") return !["runtime/cli", "runtime/main.ts"].includes(target);
  return allowed.some((name) => [name, `runtime/${name}`, `runtime/${name}.ts`].includes(target));
}

function withoutTemplates(text: string): string {
  return text.replace(/`(?:\\.|[^`\\])*`/g, '""');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}
