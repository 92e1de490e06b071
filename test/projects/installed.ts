// The packages of all projects, installed once: their versions are exact, and no two projects want different ones.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECTS = fileURLToPath(new URL(".", import.meta.url));
/** Compiled when it is installed, and the same by another name; the others bring what they need as packages. */
const COMPILED = "better-sqlite3";
const ALIAS = "bs";
/** Node's headers come with the package that Node comes from. */
const HEADERS = fileURLToPath(
  new URL(`../../node_modules/node/node_modules/node-${process.platform}-${process.arch}`, import.meta.url),
);

/** What node-gyp needs. Without it the one project of a compiled package is left out, and says so. */
export const CAN_COMPILE = ["make", "c++", "python3"].every((tool) => spawnSync(tool, ["--version"]).status === 0);

/** The folder whose node_modules has those of the named projects. Kept between runs; a change of any version makes another. */
export function installed(projects: readonly string[]): string {
  const wanted = dependencies(projects);
  const manifest = JSON.stringify({ name: "projects", private: true, dependencies: wanted }, null, 2);
  const hash = createHash("sha256").update(`${process.version}${CAN_COMPILE}${manifest}`).digest("hex").slice(0, 12);
  const folder = join(tmpdir(), `nats-handlers-projects-${hash}`);
  if (existsSync(folder)) return folder;
  const making = `${folder}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  writeFileSync(join(making, "package.json"), manifest);
  npm(making, "install", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--no-package-lock");
  if (CAN_COMPILE && COMPILED in wanted) compile(making);
  renameSync(making, folder);
  return folder;
}

function compile(folder: string): void {
  npm(folder, "rebuild", COMPILED);
  const result = (name: string) => join(folder, "node_modules", name, "build");
  cpSync(result(COMPILED), result(ALIAS), { recursive: true });
}

function npm(cwd: string, ...args: string[]): void {
  const env = { ...process.env, npm_config_nodedir: HEADERS, npm_config_build_from_source: "true", JOBS: "max" };
  // npm of the Node that runs this, so that what is compiled fits it.
  const { status, stdout, stderr } = spawnSync("npm", args, {
    cwd,
    env: { ...env, PATH: `${dirname(process.execPath)}:${env.PATH}` },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`npm ${args.join(" ")} failed:\n${stdout}\n${stderr}`);
}

function dependencies(projects: readonly string[]): Record<string, string> {
  const all: Record<string, string> = {};
  const manifests = projects.map((name) => `${name}/**/package.json`);
  for (const path of globSync(manifests, { cwd: PROJECTS }).sort()) {
    const { dependencies: own = {} } = JSON.parse(readFileSync(join(PROJECTS, path), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    for (const [name, version] of Object.entries(own)) {
      if (name.startsWith("@acme/")) continue;
      const others = all[name] ?? version;
      if (others !== version) throw new Error(`${path} wants ${name} ${version}, others ${others}`);
      all[name] = version;
    }
  }
  return all;
}
