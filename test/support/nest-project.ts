// A project on NestJS in a temporary folder: the fixture's sources, its service as Nest's own tools would compile it, its packages.

import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-5";
import { createProject, type TestProject } from "./project.ts";

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PACKAGES = ["@nestjs", "@nats-io", "rxjs", "reflect-metadata", "@types"];

export interface NestProject extends TestProject {
  /** What its events have left behind. */
  journal(): unknown[];
  clearJournal(): void;
  /** A file of its compiled sources. */
  load(file: string): Promise<Record<string, new () => unknown>>;
}

export function createNestProject(): NestProject {
  const project = createProject();
  const path = (file: string) => join(project.rootDir, file);
  for (const name of PACKAGES) symlinkSync(fromRoot(`node_modules/${name}`), path(`node_modules/${name}`));
  symlinkSync(fromRoot("node_modules/typescript-5"), path("node_modules/typescript"));
  symlinkSync(fromRoot("."), path("node_modules/nats-handlers"));
  cpSync(fromRoot("test/fixtures/nest"), project.rootDir, { recursive: true });
  const config = JSON.parse(readFileSync(path("tsconfig.json"), "utf8"));
  config.compilerOptions.paths = { "nats-handlers": [fromRoot("sdk/index.ts")] };
  writeFileSync(path("tsconfig.json"), JSON.stringify(config));
  const file = path("journal.ndjson");
  writeFileSync(file, "");
  writeFileSync(path("src/journal-file.ts"), `export const JOURNAL: string = ${JSON.stringify(file)};\n`);
  return {
    ...project,
    journal: () =>
      readFileSync(file, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown),
    clearJournal: () => writeFileSync(file, ""),
    load: (name) => {
      for (const source of readdirSync(path("src"))) compile(path(`src/${source}`));
      return import(/* @vite-ignore */ path(`src/${name}.js`)) as Promise<Record<string, new () => unknown>>;
    },
  };
}

function compile(path: string): void {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    useDefineForClassFields: false,
  };
  const { outputText } = ts.transpileModule(readFileSync(path, "utf8"), { compilerOptions, fileName: path });
  writeFileSync(path.replace(/ts$/, "js"), outputText);
}
