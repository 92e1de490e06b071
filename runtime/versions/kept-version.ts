// What is known of the versions of a handler that are kept, newest first. Pure.
//
// K1  Newest is what began to serve last: a version that is deployed again is the newest again.
// K2  A version that serves because of a rollback has not begun to serve anew: the order stays.

import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

export interface KeptVersion {
  readonly version: string;
  /** When it began to serve last, by the clock of the replica that kept it. */
  readonly servedMs: number;
  /** From sources, or by `handlers build`: a program runs only where the same is served. */
  readonly made: "sources" | "build";
  /** Of nats-handlers, which a build brings along; empty from sources. */
  readonly runtime: string;
  readonly metadata: ResolvedMetadata;
  /** Names its program, which is stored in so many parts. */
  readonly digest: string;
  readonly parts: number;
  readonly bytes: number;
}

export interface Served {
  /** Newest first. */
  readonly kept: readonly KeptVersion[];
  /** Whose programs are needed no longer. */
  readonly dropped: readonly KeptVersion[];
}

/** With one that serves (K1), and without what is too old. What is known of its program stays. */
export function withServed(before: readonly KeptVersion[], one: KeptVersion, most: number): Served {
  const known = before.find(({ version }) => version === one.version);
  const newest = known === undefined ? one : { ...known, servedMs: one.servedMs };
  const all = [newest, ...before.filter(({ version }) => version !== one.version)];
  return { kept: all.slice(0, most), dropped: all.slice(most) };
}

/**
 * The one that served before the newest of these; undefined: none is kept. What is not kept, as it has just come or never came up,
 * is newer than all that are.
 */
export function versionBefore(kept: readonly KeptVersion[], serving: readonly string[]): KeptVersion | undefined {
  const places = serving.map((one) => kept.findIndex(({ version }) => version === one));
  return kept[Math.min(...places) + 1];
}

/** The one that somebody means, who may have typed the beginning only; "ambiguous": more than one begins so. */
export function versionCalled(kept: readonly KeptVersion[], word: string): KeptVersion | "ambiguous" | undefined {
  const found = kept.filter(({ version }) => version.startsWith(word));
  return found.length > 1 ? "ambiguous" : found[0];
}

/** What is not of this form was written by nobody we know, and counts as nothing. */
export function readKept(text: string): KeptVersion[] {
  try {
    const { kept } = JSON.parse(text) as { kept?: unknown };
    return Array.isArray(kept) ? kept.filter(isKept) : [];
  } catch {
    return [];
  }
}

export function keptText(kept: readonly KeptVersion[]): string {
  return JSON.stringify({ kept });
}

function isKept(one: Partial<KeptVersion>): one is KeptVersion {
  return typeof one.version === "string" && typeof one.digest === "string" && typeof one.parts === "number";
}
