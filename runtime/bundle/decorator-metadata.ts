// `emitDecoratorMetadata`: the types of constructors and properties, as dependency injection reads them.
//
// Only TypeScript itself knows the types of a source's own, and only the project knows which TypeScript. So files whose
// tsconfig asks for it, and that have decorators, are compiled by the project's; all others by esbuild alone, as ever.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Loader, OnLoadResult, PartialMessage, Plugin } from "esbuild";
import { type TsConfig, tsconfigOf } from "./tsconfig.ts";

/** At the start of a line or of what may follow a bracket, comma or semicolon: never in the middle of words. */
const DECORATED = /(?:^|[(,;{}]|\bexport(?:\s+default)?)\s*@[\p{ID_Start}$_(]/mu;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

interface TypeScript {
  readonly version: string;
  readonly transpileModule?: (source: string, request: object) => { readonly outputText: string };
}

export function decoratorMetadata(): Plugin {
  const compilers = new Map<string, TypeScript | undefined>();

  function compilerFor(folder: string): TypeScript | undefined {
    if (!compilers.has(folder)) compilers.set(folder, projectsTypeScript(folder));
    return compilers.get(folder);
  }

  return {
    name: "nats-handlers:decorator-metadata",
    setup(build) {
      let known = new Map<string, TsConfig>();
      build.onStart(() => {
        known = new Map();
        compilers.clear();
      });
      build.onLoad({ filter: /\.([mc]?ts|tsx)$/ }, ({ path }): OnLoadResult | undefined => {
        const config = tsconfigOf(dirname(path), known);
        if (config.options.emitDecoratorMetadata !== true || path.includes("node_modules")) return undefined;
        const source = readSource(path);
        if (!DECORATED.test(source.replace(COMMENT, ""))) return undefined;
        const typescript = compilerFor(dirname(path));
        if (typescript?.transpileModule === undefined) return { errors: [refusal(typescript, path)] };
        const contents = compiled(typescript.transpileModule, source, path);
        return { contents, loader: path.endsWith("x") ? ("jsx" as Loader) : "js" };
      });
    },
  };
}

function compiled(transpile: NonNullable<TypeScript["transpileModule"]>, source: string, path: string): string {
  const compilerOptions = {
    // By their numbers in TypeScript: ES2022, ESNext, "preserve".
    target: 9,
    module: 99,
    jsx: 1,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    useDefineForClassFields: false,
    inlineSourceMap: true,
  };
  return transpile(source, { compilerOptions, fileName: path }).outputText;
}

function projectsTypeScript(folder: string): TypeScript | undefined {
  try {
    return createRequire(join(folder, "x.js"))("typescript") as TypeScript;
  } catch {
    return undefined; // told by `refusal`
  }
}

function refusal(typescript: TypeScript | undefined, path: string): PartialMessage {
  const what = typescript === undefined ? "is not installed" : `${typescript.version} cannot compile a single file`;
  return {
    text: `emitDecoratorMetadata needs the package typescript, which ${what}`,
    location: { file: path, line: 1 },
    detail: {
      remedy: "Run `npm install -D typescript@5`, or take emitDecoratorMetadata out of tsconfig.json.",
      missing: "typescript",
    },
  };
}

function readSource(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // esbuild reads it itself then, and says what is wrong
  }
}
