// The options every command takes, each with the environment variable that stands for it.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { type ConfigFlags, SETTING_NAMES } from "../config/spoken-settings.ts";
import { RuntimeError } from "../errors.ts";
import type { Prebuilt } from "../prebuild/prebuilt.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { builtProject, findBuild } from "./found-build.ts";

export type GlobalOptions = ConfigFlags & { readonly config?: string; readonly cwd?: string };

type FlagName = keyof ConfigFlags;

const PROJECT: readonly (readonly [FlagName, string, string])[] = [
  ["app", "NAME", "prefix of queue groups, durables and streams"],
  ["handlers", "DIR", "folder of the handler files"],
  ["only", "GLOBS", "only these handlers, joined by commas"],
  ["logLevel", "LEVEL", 'trace, debug, info, warn, error or fatal; by handler: "warn,todo/*=debug"'],
  ["inboxPrefix", "PREFIX", "where replies come to, instead of _INBOX"],
];

const NATS: readonly (readonly [FlagName, string, string])[] = [
  ["server", "URL", "NATS server, or several joined by commas"],
  ["context", "NAME", "context of the NATS CLI"],
  ["user", "NAME", "user"],
  ["password", "TEXT", "password"],
  ["token", "TEXT", "token"],
  ["creds", "FILE", "credentials file"],
  ["nkey", "SEED", "nkey seed, or its file"],
  ["tlsca", "FILE", "certificate authority of the server"],
  ["tlscert", "FILE", "our certificate"],
  ["tlskey", "FILE", "its key"],
  ["jsDomain", "NAME", "JetStream domain of the app's streams"],
];

export const NATS_GROUP = "NATS options:";
const PROJECT_GROUP = "Project options:";

export function addGlobalOptions(program: Command): void {
  const project = (option: Option) => program.addOption(option.helpGroup(PROJECT_GROUP));
  project(new Option("--config <FILE>", "configuration file (default: handlers.config.ts)"));
  project(
    new Option("--cwd <DIR>", "the project's folder (default: the nearest with a package.json or a configuration)"),
  );
  for (const setting of PROJECT) project(spokenOption(...setting));
  for (const setting of NATS) program.addOption(spokenOption(...setting).helpGroup(NATS_GROUP));
}

/** What was said of the project and of NATS, as arguments of another command. */
export function asArguments(options: GlobalOptions): string[] {
  const said = [...PROJECT, ...NATS].map(([name]) => [SETTING_NAMES[name].flag, options[name]] as const);
  const places = [
    ["--config", options.config],
    ["--cwd", options.cwd],
  ] as const;
  return [...said, ...places].flatMap(([flag, value]) =>
    flag === undefined || value === undefined ? [] : [flag, value],
  );
}

/** A setting as an option. Its variable is only shown: `config` reads it. */
export function spokenOption(setting: FlagName, placeholder: string, description: string): Option {
  const { flag, env } = SETTING_NAMES[setting];
  return new Option(`${flag} <${placeholder}>`, `${description} [${env}]`);
}

/** The project's configuration, weighed; that of `build` when it is given. Throws CONFIG_INVALID or CONFIG_UNREADABLE. */
export async function loadProject(
  terminal: Terminal,
  options: GlobalOptions,
  mode: "dev" | "start",
  build?: Prebuilt | undefined,
): Promise<ResolvedConfig> {
  const { loadConfig } = await import("../config/load.ts");
  const rootDir = projectRoot(terminal.cwd, options.cwd);
  const configPath = configPathOf(terminal, options);
  // In a container there is nothing but the build: every command knows the project by it.
  const used = build ?? buildOfContainer(terminal, rootDir);
  const built = used === undefined ? undefined : builtProject(used);
  return loadConfig({ rootDir, mode, flags: options, configPath, env: terminal.env, built });
}

/** The one that HANDLERS_BUILD names: there may be nothing else. */
export function buildOfContainer({ env, cwd }: Terminal, rootDir: string): Prebuilt | undefined {
  const named = env.HANDLERS_BUILD;
  return named ? findBuild({ named, fromSources: false, cwd, rootDir }) : undefined;
}

/** What stands on the command line is meant from where it is typed. */
function configPathOf({ cwd }: Terminal, options: GlobalOptions): string | undefined {
  return options.config === undefined ? undefined : resolve(cwd, options.cwd ?? "", options.config);
}

const ROOT_MARKS = [
  "handlers.config.ts",
  "handlers.config.mts",
  "handlers.config.js",
  "handlers.config.mjs",
  "package.json",
];

/** The folder named, else the nearest one at or above `cwd` that looks like a project, else `cwd`. */
export function projectRoot(cwd: string, named: string | undefined): string {
  if (named !== undefined) {
    const folder = resolve(cwd, named);
    if (existsSync(folder)) return folder;
    throw new RuntimeError("USAGE", `--cwd: there is no folder ${JSON.stringify(folder)}`);
  }
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (ROOT_MARKS.some((name) => existsSync(join(folder, name)))) return folder;
    if (dirname(folder) === folder) return cwd;
  }
}
