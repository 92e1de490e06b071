// `handlers build`: everything `start` needs, in one folder. What `check` would find wrong fails it.

import { relative, resolve } from "node:path";
import { BUILD_DIR } from "../../build/layout.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import { inspectOptions, withDisabled } from "../inspection.ts";
import { printInspection } from "../inspection-report.ts";
import type { Invocation } from "../invocation.ts";
import { packageVersion } from "../package-version.ts";
import { printLine } from "../terminal.ts";

interface BuildOptions {
  readonly out?: string;
  readonly external?: readonly string[];
}

export async function build({ terminal, options }: Invocation<BuildOptions>): Promise<ExitCode> {
  const { out, cwd } = terminal;
  const config = await loadProject(terminal, options, "start");
  const { buildProject } = await import("../../offline.ts");
  const outDir = resolve(options.out === undefined ? config.rootDir : cwd, options.out ?? BUILD_DIR);
  const { inspection, manifest } = await buildProject({
    ...inspectOptions(terminal, config),
    outDir,
    runtimeVersion: packageVersion(),
    external: options.external ?? [],
  });
  printInspection(out, withDisabled(inspection, config));
  if (manifest === undefined) {
    printLine(out, "nothing was built");
    return 1;
  }
  for (const { name, version, reason } of manifest.natives) {
    printLine(out, `${name} ${version} ${reason}: it is not bundled but copied, and runs on ${manifest.platform} only`);
  }
  printLine(out, `built ${shown(outDir, cwd)}; \`${launcher(outDir, cwd)}\` serves it`);
  return 0;
}

function shown(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith("..") ? path : below;
}

function launcher(outDir: string, cwd: string): string {
  return `node ${shown(outDir, cwd)}/handlers.mjs start`;
}
