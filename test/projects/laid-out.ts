// A project as its package manager leaves it, in a folder of its own.

import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export type Manager = "npm" | "npm workspace" | "pnpm workspace";

export interface LaidOut {
  /** Where `handlers` is run. */
  readonly rootDir: string;
  remove(): void;
}

interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** `packages`: a node_modules with all there is. */
export function laidOut(project: string, manager: Manager, packages: string): LaidOut {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "nats-handlers-real-")));
  cpSync(fileURLToPath(new URL(project, import.meta.url)), top, { recursive: true });
  if (manager === "npm") symlinkSync(packages, join(top, "node_modules"));
  if (manager === "npm workspace") asNpm(top, packages);
  if (manager === "pnpm workspace") asPnpm(top, packages);
  const rootDir = manager === "npm" ? top : join(top, "apps/orders");
  return { rootDir, remove: () => rmSync(top, { recursive: true, force: true }) };
}

/** Everything at the top; workspace packages as links. */
function asNpm(top: string, packages: string): void {
  const modules = join(top, "node_modules");
  for (const { folder, manifest } of members(top)) {
    if (manifest.name.startsWith("@acme/")) link(join(top, folder), join(modules, manifest.name));
    for (const name of Object.keys(manifest.dependencies ?? {}))
      if (!name.startsWith("@acme/")) copyWithNeeds(name, packages, modules);
  }
}

function copyWithNeeds(name: string, packages: string, modules: string): void {
  const to = join(modules, name);
  if (existsSync(to) || !existsSync(join(packages, name))) return;
  cpSync(join(packages, name), to, { recursive: true });
  for (const needed of Object.keys(manifestOf(to).dependencies ?? {})) copyWithNeeds(needed, packages, modules);
}

/** Each package sees what it declares, and nothing else: all are links into one store. */
function asPnpm(top: string, packages: string): void {
  const store = join(top, "node_modules/.pnpm");
  for (const { folder, manifest } of members(top)) {
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const member = members(top).find((one) => one.manifest.name === name);
      link(member ? join(top, member.folder) : stored(name, packages, store), join(top, folder, "node_modules", name));
    }
  }
}

function stored(name: string, packages: string, store: string): string {
  const { version = "0", dependencies = {} } = manifestOf(join(packages, name));
  const modules = join(store, `${name.replace("/", "+")}@${version}`, "node_modules");
  if (existsSync(modules)) return join(modules, name);
  cpSync(join(packages, name), join(modules, name), { recursive: true });
  for (const needed of Object.keys(dependencies)) {
    if (existsSync(join(packages, needed))) link(stored(needed, packages, store), join(modules, needed));
  }
  return join(modules, name);
}

function members(top: string): { folder: string; manifest: Manifest }[] {
  const found = globSync(["packages/*/package.json", "apps/*/package.json"], { cwd: top });
  return found.map((path) => ({ folder: dirname(path), manifest: manifestOf(join(top, dirname(path))) }));
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

function link(to: string, from: string): void {
  mkdirSync(dirname(from), { recursive: true });
  symlinkSync(to, from);
}
