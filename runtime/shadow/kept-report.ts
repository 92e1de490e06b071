// What `handlers shadow` found out last about each handler: kept in the project's state folder, where the page finds it.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { prepareStateFolder } from "../state-folder.ts";
import type { Shadowed } from "./shadow.ts";

export interface ShadowTitle {
  readonly handler: string;
  readonly stream: string;
  /** Where the versions come from, in words. */
  readonly before: string;
  readonly after: string;
}

export interface KeptReport extends ShadowTitle, Shadowed {
  readonly atMs: number;
}

/** Rejects when the folder cannot be written. */
export async function keepReport(stateDir: string, report: KeptReport): Promise<void> {
  const path = pathOf(stateDir, report.handler);
  await prepareStateFolder(stateDir);
  await mkdir(dirname(path), { recursive: true });
  // Whoever reads it meanwhile has the one of before.
  await writeFile(`${path}.new`, JSON.stringify(report));
  await rename(`${path}.new`, path);
}

/** Undefined: there is none, or none that can be read. Never rejects. */
export async function keptReport(stateDir: string, handler: string): Promise<KeptReport | undefined> {
  try {
    const report = JSON.parse(await readFile(pathOf(stateDir, handler), "utf8")) as Partial<KeptReport>;
    return report.handler === handler && Array.isArray(report.differences) ? (report as KeptReport) : undefined;
  } catch {
    return undefined;
  }
}

function pathOf(stateDir: string, handler: string): string {
  return join(stateDir, "shadow-reports", `${encodeURIComponent(handler)}.json`);
}
