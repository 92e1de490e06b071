// What a worker must be given before it evaluates a bundle: its memory and its environment. Both stand in the metadata,
// which is known for sure only after the evaluation, so the first load of a bundle goes by what the source seems to say.

import { parseSize } from "../../sdk/size.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

export interface LaunchNeeds {
  readonly memoryMiB: number;
  readonly env: readonly string[];
  /** With whom it shares a process. */
  readonly group?: string | undefined;
}

/** Looked at in the supervisor, so it must not take long, whatever is written there. */
const MOST_CHARS = 100_000;

export function launchNeedsOf({ memoryMiB, env, group }: ResolvedMetadata): LaunchNeeds {
  return { memoryMiB, env, group };
}

/** A guess from the text; a wrong one costs a second load and nothing else. */
export function guessLaunchNeeds(source: string, defaults: LaunchNeeds): LaunchNeeds {
  const text = source.slice(0, MOST_CHARS);
  const [, names] = /\benv\s*:\s*\[([^\]]{0,2000})\]/.exec(text) ?? [];
  const [, size] = /\bmemory\s*:\s*["'`]([^"'`]{1,20})["'`]/.exec(text) ?? [];
  const [, group] = /\bgroup\s*:\s*["'`]([A-Za-z0-9_-]{1,64})["'`]/.exec(text) ?? [];
  const bytes = size === undefined ? undefined : parseSize(size);
  return {
    memoryMiB: bytes === undefined ? defaults.memoryMiB : Math.max(1, Math.floor(bytes / 1024 ** 2)),
    group,
    env: names === undefined ? defaults.env : [...names.matchAll(/["'`]([^"'`]+)["'`]/g)].map(([, name]) => name!),
  };
}

export function sameLaunchNeeds(a: LaunchNeeds, b: LaunchNeeds): boolean {
  if (a.memoryMiB !== b.memoryMiB || a.group !== b.group) return false;
  return a.env.length === b.env.length && a.env.every((name) => b.env.includes(name));
}
