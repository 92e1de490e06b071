// The runtime itself as part of a build: what it needs is in it, so a container needs Node and the build folder alone.
//
// esbuild and chokidar are not in it: a build is served, not built or watched. Commands that need them say so.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { LAUNCHER, RUNTIME } from "./layout.ts";
import { nodeBuiltins } from "./node-builtins.ts";
import { PROGRAM_OPTIONS } from "./program-options.ts";

/** The runtime runs its sources in a clone, and JavaScript where it is installed. */
const EXTENSION = extname(fileURLToPath(import.meta.url));
const TRACING_API = "@opentelemetry/api";
const BUILD_TOOLS = /^(esbuild|chokidar)$/;

/** Write the runtime, and what starts it, into the build. */
export async function writeRuntimeProgram(outDir: string, version: string): Promise<void> {
  const source = (name: string) => fileURLToPath(new URL(`../${name}${EXTENSION}`, import.meta.url));
  const { outputFiles } = await build({
    absWorkingDir: dirname(dirname(source("main"))),
    entryPoints: {
      main: source("main"),
      "worker/entry": source("worker/entry"),
    },
    outdir: join(outDir, RUNTIME),
    // A file for each process: what is imported later is there but not run, and reading many files takes longer.
    ...PROGRAM_OPTIONS,
    // For the packages in it that `require` what Node has.
    banner: {
      js: `import { createRequire as __nodeRequire } from "node:module"; const require = __nodeRequire(import.meta.url);`,
    },
    // An optional package: where it is not installed nothing registers a tracer provider either.
    external: isInstalled(TRACING_API) ? [] : [TRACING_API],
    plugins: [nodeBuiltins, withoutBuildTools(source("errors"))],
  });
  for (const { path, contents } of outputFiles) await write(path, contents);
  const manifest = { name: "nats-handlers", version, type: "module", private: true };
  await write(join(outDir, RUNTIME, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  await write(join(outDir, LAUNCHER), LAUNCH, 0o755);
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

async function write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { mode });
}

const LAUNCH = `#!/usr/bin/env node
// Made by \`handlers build\`: the command line of nats-handlers for the build in this folder.
import module from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
process.env.HANDLERS_BUILD ||= dirname(fileURLToPath(import.meta.url));
module.enableCompileCache?.();
await import(${JSON.stringify(`./${RUNTIME}/main.js`)});
`;

function withoutBuildTools(errors: string): Plugin {
  const contents = `
    import { RuntimeError } from ${JSON.stringify(errors)};
    throw new RuntimeError("BUILD_TOOLS_MISSING", "this command works on sources, and a build of nats-handlers has no tools for that", {
      remedy: "Run it where nats-handlers is installed. A build is served by \`handlers start\`.",
    });
    export const build = undefined, context = undefined, stop = undefined, version = undefined, FSWatcher = undefined;
  `;
  return {
    name: "nats-handlers:without-build-tools",
    setup(hooks) {
      hooks.onResolve({ filter: BUILD_TOOLS }, ({ path }) => ({ path, namespace: "missing" }));
      hooks.onLoad({ filter: /^/, namespace: "missing" }, () => ({ contents, resolveDir: dirname(errors) }));
    },
  };
}
