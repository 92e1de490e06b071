// The shape of the code: who may import whom, as ARCHITECTURE.md says, and the house rules that a machine can see.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The worker and the browser have no supervisor to be given a clock by; nobody tests them with a fake one. */
const OWN_TIME = ["runtime/clock.ts", "runtime/worker/", "runtime/page/client/", "sdk/client"];
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

  it("no room may import what it does not use", () => {
    const unused = [...table].flatMap(([unit, allowed]) => {
      const used = new Set(
        runtimeAndSdk
          .filter(({ path }) => unitOf(path) === unit)
          .flatMap(({ path, imports }) => imports.map(({ from }) => targetOf(path, from)))
          .map((target) => target && unitOf(target)),
      );
      return allowed
        .filter((name) => ![name, `runtime/${name}`, `runtime/${name}.ts`].some((known) => used.has(known)))
        .map((name) => `${unit} -> ${name}`);
    });
    expect(unused).toEqual([]);
  });

  it("there is no circle of rooms", () => {
    const arrows = runtimeAndSdk.map(({ path, imports }) => {
      const targets = imports.map(({ from }) => targetOf(path, from)).filter((target) => target !== undefined);
      return [unitOf(path), targets.map(unitOf).filter((unit) => unit !== unitOf(path))] as const;
    });
    expect(circlesIn(arrows)).toEqual([]);
  });

  it("there is no circle of files", () => {
    const arrows = runtimeAndSdk.map(({ path, imports }) => {
      const targets = imports.map(({ from }) => targetOf(path, from)).filter((target) => target !== undefined);
      return [path, targets] as const;
    });
    expect(circlesIn(arrows)).toEqual([]);
  });

  it("handlers know the sdk by its package name, and nothing of the runtime", () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith("handlers/"))
      .flatMap(({ path, imports }) => imports.map(({ from }) => [path, targetOf(path, from) ?? "handlers/"] as const))
      .filter(([, target]) => !target.startsWith("handlers/"));
    expect(wrong).toEqual([]);
  });

  it("what runs in the worker is imported by nobody outside it, types and the test kit aside", () => {
    const wrong = sources
      .filter(({ path }) => !["runtime/worker/", "runtime/testing/"].some((inside) => path.startsWith(inside)))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ from, typeOnly }) => !typeOnly && targetOf(path, from)?.startsWith("runtime/worker/"))
          .map(({ from }) => `${path} -> ${from}`),
      );
    expect(wrong).toEqual([]);
  });

  it("relative imports name their file with its extension", () => {
    const wrong = runtimeAndSdk.flatMap(({ path, imports }) =>
      imports.filter(({ from }) => from.startsWith(".") && !/\.tsx?$/.test(from)).map(({ from }) => `${path}: ${from}`),
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
    const wrong = sources.filter(({ path }) => /\/(utils?|helpers?|types|common|misc|manager)\.tsx?$/.test(path));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

function sourcesBelow(folder: string): Source[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /\.tsx?$/.test(file))
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

/** The rows `| room | what it is | may import |`, by folder or file. */
function readTable(markdown: string): Map<string, string[]> {
  const rows = markdown.matchAll(/^\| ((?:sdk|runtime\/)[\w./-]*) \|[^|]*\|(.*)\|$/gm);
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
  return allowed.some((name) => [name, `runtime/${name}`, `runtime/${name}.ts`].includes(target));
}

/** What is left when everything that leads nowhere, or to such, has been taken away: the circles, and what leads to them. */
function circlesIn(arrows: readonly (readonly [string, readonly string[]])[]): string[] {
  const targets = new Map<string, Set<string>>();
  for (const [from, to] of arrows) targets.set(from, new Set([...(targets.get(from) ?? []), ...to]));
  for (let before = -1; before !== targets.size; ) {
    before = targets.size;
    for (const [from, to] of targets) if (![...to].some((target) => targets.has(target))) targets.delete(from);
  }
  return [...targets.keys()];
}

function withoutTemplates(text: string): string {
  return text.replace(/`(?:\\.|[^`\\])*`/g, '""');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}
