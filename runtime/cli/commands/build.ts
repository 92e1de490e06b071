// `handlers build`: everything `start` needs, in one folder. What `check` would find wrong fails it.

import { relative, resolve } from "node:path";
import { BUILD_DIR } from "../../prebuild/layout.ts";
import { printLine } from "../../terminal/terminal.ts";
import { printCheck } from "../check-report.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { packageVersion } from "../package-version.ts";
import { asConfigured, checkOptions, SETTLE_MS } from "../project-check.ts";

interface BuildOptions {
  readonly out?: string;
  readonly external?: readonly string[];
}

export async function build({ terminal, options }: Invocation<BuildOptions>): Promise<ExitCode> {
  const { out, cwd } = terminal;
  const config = await loadProject(terminal, options, "start");
  const { buildProject } = await import("../../compose/check-and-build.ts");
  const outDir = resolve(options.out === undefined ? config.rootDir : cwd, options.out ?? BUILD_DIR);
  const { checked, manifest } = await buildProject({
    ...checkOptions(terminal, config),
    settleMs: SETTLE_MS,
    outDir,
    runtimeVersion: packageVersion(),
    external: options.external ?? [],
  });
  printCheck(out, asConfigured(checked, config));
  if (manifest === undefined) {
    printLine(out, "nothing was built");
    return 1;
  }
  for (const { name, version, reason, native } of manifest.copied) {
    const where = native ? `, and runs on ${manifest.platform} only` : "";
    printLine(out, `${name} ${version} ${reason}: it is not bundled but copied${where}`);
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
