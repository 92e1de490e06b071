// What a worker must be given before it evaluates a bundle: its memory and its environment. Both stand in the metadata,
// which is known for sure only after the evaluation, so the first load of a bundle goes by what the source seems to say.

import { parseSize } from "../../sdk/size.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

export interface Profile {
  readonly memoryMiB: number;
  readonly env: readonly string[];
}

export function profileOf({ memoryMiB, env }: ResolvedMetadata): Profile {
  return { memoryMiB, env };
}

/** A guess from the text; a wrong one costs a second load and nothing else. */
export function guessProfile(source: string, defaults: Profile): Profile {
  const [, names] = /\benv\s*:\s*\[([^\]]*)\]/.exec(source) ?? [];
  const [, size] = /\bmemory\s*:\s*["'`]([^"'`]+)["'`]/.exec(source) ?? [];
  const bytes = size === undefined ? undefined : parseSize(size);
  return {
    memoryMiB: bytes === undefined ? defaults.memoryMiB : Math.max(1, Math.floor(bytes / 1024 ** 2)),
    env: names === undefined ? defaults.env : [...names.matchAll(/["'`]([^"'`]+)["'`]/g)].map(([, name]) => name!),
  };
}

export function sameProfile(a: Profile, b: Profile): boolean {
  return a.memoryMiB === b.memoryMiB && a.env.length === b.env.length && a.env.every((name) => b.env.includes(name));
}
