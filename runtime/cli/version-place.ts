// Where a version of the handlers is, as it is said on the command line: the working tree, a build, or a commit of git.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import type { KeptPlace } from "../compose/shadow-versions.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { RuntimeError } from "../errors.ts";
import { handlersOf, type OperatorSession } from "../operate/session.ts";
import { MANIFEST } from "../prebuild/layout.ts";
import { openBuild, type Prebuilt } from "../prebuild/prebuilt.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { statusOfAll, unknownHandlers } from "./control-session.ts";
import { type GlobalOptions, loadProject } from "./global-options.ts";
import { packageVersion } from "./package-version.ts";

export interface Place {
  readonly where: string;
  readonly config: ResolvedConfig;
  readonly build: Prebuilt | undefined;
  /** A version that is kept, in place of what lies there. */
  readonly kept?: KeptPlace | undefined;
  /** Take away what was put somewhere for it. */
  close(): Promise<void>;
}

const run = promisify(execFile);

export function workingTree(config: ResolvedConfig): Place {
  return { where: "the working tree", config, build: undefined, close: async () => undefined };
}

/** The version that `word` names. `here`: the project's configuration. Throws USAGE and BUILD_UNUSABLE. */
export async function placeOf(
  word: string,
  here: ResolvedConfig,
  terminal: Terminal,
  options: GlobalOptions,
): Promise<Place> {
  const dir = resolve(terminal.cwd, word);
  if (existsSync(join(dir, MANIFEST))) return buildIn(dir, here, terminal, options);
  const commit = await commitOf(word, here.rootDir);
  if (commit !== undefined) return checkedOut(word, commit, here, terminal, options);
  throw new RuntimeError(
    "USAGE",
    `--against: ${JSON.stringify(word)} is neither a folder of \`handlers build\` nor a commit`,
    {
      remedy:
        "Keep the build that is deployed, and name its folder; or name a tag, branch or commit of this repository.",
    },
  );
}

export async function buildIn(
  dir: string,
  here: ResolvedConfig,
  terminal: Terminal,
  options: GlobalOptions,
): Promise<Place> {
  const build = openBuild(dir, here.rootDir, packageVersion());
  const config = await loadProject(terminal, options, "dev", build);
  return { where: `the build in ${dir}`, config, build, close: async () => undefined };
}

/** The version of the handler that the replicas serve. Throws NATS_UNREACHABLE, HANDLER_NOT_FOUND, and USAGE when there are several. */
export async function livePlace(handler: string, config: ResolvedConfig, session: OperatorSession): Promise<Place> {
  const replies = await statusOfAll(session);
  const known = handlersOf(replies);
  if (!known.has(handler)) throw unknownHandlers([handler], known);
  const all = replies.flatMap(({ handlers }) => handlers.filter(({ name }) => name === handler));
  const versions = [...new Set(all.flatMap(({ version }) => version ?? []))];
  const [version] = versions;
  if (version === undefined || versions.length > 1) {
    const which = version === undefined ? "none" : `several: ${versions.join(", ")}`;
    throw new RuntimeError(
      "USAGE",
      `--against live: of the versions of handler "${handler}" the replicas serve ${which}`,
      {
        handler,
        remedy: "Wait until all replicas serve the same one, or name a build or a commit.",
      },
    );
  }
  const { copies } = session;
  const kept = { copies, version, runtime: packageVersion() };
  return { ...workingTree(config), where: "what the replicas serve", kept };
}

/** Undefined: git knows none of that name, or there is no git. */
async function commitOf(word: string, rootDir: string): Promise<string | undefined> {
  try {
    const { stdout } = await run("git", [
      "-C",
      rootDir,
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${word}^{commit}`,
    ]);
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** Below the project's folder, so that it finds the project's packages: those installed now. */
async function checkedOut(
  word: string,
  commit: string,
  here: ResolvedConfig,
  terminal: Terminal,
  options: GlobalOptions,
): Promise<Place> {
  const parent = join(here.stateDir, "shadow");
  await mkdir(parent, { recursive: true });
  const rootDir = await mkdtemp(join(parent, `${commit.slice(0, 12)}-`));
  const close = () => rm(rootDir, { recursive: true, force: true });
  try {
    const archive = `${rootDir}.tar`;
    await run("git", ["-C", here.rootDir, "archive", "--format=tar", `--output=${archive}`, commit, "."]);
    await run("tar", ["-xf", archive, "-C", rootDir]).finally(() => rm(archive, { force: true }));
    const { config: named, ...rest } = options;
    const file = named === undefined ? {} : { config: join(rootDir, named) };
    const config = await loadProject(terminal, { ...rest, ...file, cwd: rootDir }, "dev");
    return { where: `commit ${word}`, config, build: undefined, close };
  } catch (cause) {
    await close();
    if (cause instanceof RuntimeError) throw cause;
    const { message } = cause as Error;
    throw new RuntimeError("USAGE", `--against: commit ${word} cannot be laid out in ${dirname(rootDir)}: ${message}`, {
      cause,
    });
  }
}
