// A project in a temporary folder: handler files come and go in it as they do under an editor.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FIXTURES = fileURLToPath(new URL("../fixtures/handlers/", import.meta.url));
const PROGRAM = join(".handlers", "program");
const SAMPLE = fileURLToPath(new URL("../../handlers/", import.meta.url));
const CONFIG = "handlers.config.ts";
const SAMPLE_CONFIG = fileURLToPath(new URL(`../../${CONFIG}`, import.meta.url));
const PACKAGES = fileURLToPath(new URL("../../node_modules/", import.meta.url));

export type Replacements = Readonly<Record<string, string | number>>;

export interface TestProject {
  readonly rootDir: string;
  readonly handlersDir: string;
  path(file: string): string;
  /** Save as most programs do: truncate, then write. */
  write(file: string, text: string): void;
  /** Save as careful editors do: a new file beside, then rename. */
  replace(file: string, text: string): void;
  /** Two saves right after one another, the first of half the text. */
  writeTwice(file: string, text: string): void;
  /** Put a fixture in place under the given name, `NAME` in it replaced by its value. */
  copy(fixture: string, file: string, replacements?: Replacements): void;
  /** Put the sample of this repository and its configuration in place. */
  copySample(): void;
  /** What a file needs that is not written by these; those have it come by itself. */
  installZod(): void;
  rename(from: string, to: string): void;
  /** The built code of a handler's version; empty when it is not there. */
  built(handler: string, version: string): string;
  remove(file: string): void;
  /** Remove the folder. */
  end(): void;
}

/** The text of a fixture, each `NAME` of the replacements replaced by its value. */
export function fixture(name: string, replacements: Replacements = {}): string {
  const text = readFileSync(join(FIXTURES, name), "utf8");
  return Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, String(to)), text);
}

/**
 * `files`: what lies in `handlers/` from the start, name to text. `below`: where in the temporary folder the project lies.
 */
export function createProject(files: Readonly<Record<string, string>> = {}, below = ""): TestProject {
  const topDir = realpathSync(mkdtempSync(join(tmpdir(), "nats-handlers-project-")));
  const rootDir = join(topDir, below);
  const handlersDir = join(rootDir, "handlers");
  mkdirSync(handlersDir, { recursive: true });
  mkdirSync(join(rootDir, "node_modules"));
  writeFileSync(join(rootDir, "package.json"), JSON.stringify({ name: "shop", type: "module" }));

  const path = (file: string) => join(handlersDir, file);
  const write = (file: string, text: string) => {
    mkdirSync(dirname(path(file)), { recursive: true });
    writeFileSync(path(file), text);
    if (text.includes('"zod"')) installZod(rootDir);
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  return {
    rootDir,
    handlersDir,
    path,
    write,
    replace(file, text) {
      writeFileSync(`${path(file)}.tmp~`, text);
      renameSync(`${path(file)}.tmp~`, path(file));
    },
    writeTwice(file, text) {
      writeFileSync(path(file), text.slice(0, text.length / 2));
      writeFileSync(path(file), text);
    },
    copy: (name, file, replacements) => write(file, fixture(name, replacements)),
    copySample() {
      cpSync(SAMPLE, handlersDir, { recursive: true });
      cpSync(SAMPLE_CONFIG, join(rootDir, CONFIG));
      installZod(rootDir);
    },
    installZod: () => installZod(rootDir),
    rename: (from, to) => renameSync(path(from), path(to)),
    built(handler, version) {
      const build = join(rootDir, ".handlers", "build");
      const name = `${handler}.${version}.mjs`;
      const [path] = readdirSync(build, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(name));
      return path === undefined ? "" : readFileSync(join(build, path), "utf8");
    },
    remove: (file) => rmSync(path(file)),
    end() {
      keepProgram(rootDir);
      rmSync(topDir, { recursive: true, force: true });
    },
  };
}

/** Only where it is imported: to load it is half of what a worker's start costs, and most fixtures have no schema. */
function installZod(rootDir: string): void {
  const there = join(rootDir, "node_modules", "zod");
  if (existsSync(there)) return;
  symlinkSync(join(PACKAGES, "zod"), there);
  takeProgram(rootDir);
}

/** Where the worker's program of an earlier project of this run lies: a second start in a real project finds it too. */
function keptProgram(): string | undefined {
  const { TEST_PROGRAM_DIR: folder } = process.env;
  return folder === undefined ? undefined : join(folder, "program");
}

function takeProgram(rootDir: string): void {
  const kept = keptProgram();
  if (kept !== undefined && existsSync(kept)) cpSync(kept, join(rootDir, PROGRAM), { recursive: true });
}

function keepProgram(rootDir: string): void {
  const kept = keptProgram();
  const program = join(rootDir, PROGRAM);
  if (kept === undefined || existsSync(kept) || !existsSync(join(program, "zod-classic.mjs"))) return;
  const temporary = `${kept}.${process.pid}`;
  cpSync(program, temporary, { recursive: true });
  try {
    renameSync(temporary, kept);
  } catch {
    // Another test file was first, with the same.
  }
}
