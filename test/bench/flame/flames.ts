// The flame graphs of a scenario: one for each process that took a profile of itself.

import { readFileSync } from "node:fs";
import type { CpuNs } from "../lab.ts";
import type { Flame } from "../output/flame-picture.ts";
import type { CpuProfile, Span } from "./cpu-profile.ts";
import { stacksOf } from "./stacks.ts";

/** Written when its process closes. */
export interface ProfileFile {
  readonly process: string;
  readonly file: string;
  /** Under which its CPU time is counted. */
  readonly part: string;
}

export interface Measured {
  readonly scenario: string;
  readonly unit: string;
  /** Of all rounds together. */
  readonly count: number;
  /** When the subject was measured, and not another, and the CPU nanoseconds it took then. */
  readonly rounds: readonly (Span & { readonly cpu: CpuNs })[];
}

export function flamesOf(profiles: readonly ProfileFile[], { scenario, unit, count, rounds }: Measured): Flame[] {
  return profiles.map(({ process, file, part }) => ({
    file: `flame-${`${scenario} ${process}`.replaceAll(" ", "-")}`,
    title: `${scenario}: ${process}`,
    stacks: stacksOf(JSON.parse(readFileSync(file, "utf8")) as CpuProfile, rounds),
    unit,
    cpuUs: rounds.reduce((ns, { cpu }) => ns + (cpu[part] ?? 0), 0) / 1_000 / count,
  }));
}
