// What handlers were found to be, kept between runs in `.handlers/recall.json`: whoever only asks what there is need not
// build and evaluate a thousand files again. A stale answer would be worse than a slow one:
//
// K1  An answer holds while every path that decided it is as it was: by content, and what was absent still is.
// K2  And while the same asks: its basis (the runtime, Node, the settings, the environment) and what it was given are equal.
// K3  What cannot be known is not kept: whoever looks says so by giving no paths (bundle/decided-by.ts, worker/asked-for.ts).
// K4  The file is no more than a help: one that is broken, foreign or cannot be written means looking again.

import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { PathMarks } from "./path-marks.ts";

/** Goes up when the file means something else than before. */
const FORMAT = 1;
const NAME = "recall.json";
/** Beyond it, looking at the paths takes as long as looking at the handler. */
const MOST_PATHS = 4_000;
/** Disks tell the time of a change less finely than clocks do. */
const COARSE_MS = 50;

export interface Found {
  readonly metadata: ResolvedMetadata;
  readonly version: string;
  readonly sizeBytes: number;
}

export interface Decided {
  readonly found: Found;
  /** Absolute, existing or not. */
  readonly paths: readonly string[];
  /** Names of the variables it was given, beside those that all are. */
  readonly env: readonly string[];
  /** When the look at it began. */
  readonly lookedAtMs: number;
}

interface Entry extends Found {
  readonly path: string;
  readonly env: readonly string[];
  readonly envMark: string;
  /** Numbers in the file's list of paths. */
  readonly decidedBy: readonly number[];
}

interface Kept {
  readonly format: number;
  readonly basis: string;
  readonly salt: string;
  /** Path and mark, each once. */
  readonly paths: readonly (readonly [string, string])[];
  readonly handlers: Readonly<Record<string, Entry>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface RecallOptions {
  readonly stateDir: string;
  /** All that decides every answer. */
  readonly basis: unknown;
  readonly environment: Environment;
}

export class Recall {
  private readonly options: RecallOptions;
  private readonly kept: Kept;
  private readonly marks = new PathMarks();
  private readonly handlers = new Map<string, Entry>();
  private readonly paths = new Map<string, number>();
  private isChanged = false;

  /** Reads what was kept. Never throws (K4). */
  constructor(options: RecallOptions) {
    this.options = options;
    const basis = hash(JSON.stringify(options.basis));
    const kept = read(join(options.stateDir, NAME));
    const isOurs = kept?.format === FORMAT && kept.basis === basis;
    const salt = isOurs ? kept.salt : randomBytes(16).toString("hex");
    this.kept = isOurs ? kept : { format: FORMAT, basis, salt, paths: [], handlers: {} };
  }

  /** Undefined: it is to be looked at. */
  find(file: HandlerFile): Found | undefined {
    const entry = this.kept.handlers[file.name];
    if (entry === undefined || entry.path !== file.path || !this.holds(entry)) return undefined;
    const decidedBy = entry.decidedBy.map((at) => this.numberOf(this.kept.paths[at]![0]));
    this.handlers.set(file.name, { ...entry, decidedBy });
    return { metadata: entry.metadata, version: entry.version, sizeBytes: entry.sizeBytes };
  }

  /** It has been looked at. What was changed meanwhile, or just before, may have been seen as it was: then it is not kept. */
  keep(file: HandlerFile, { found, paths, env, lookedAtMs }: Decided): void {
    const all = [...new Set([file.path, ...paths])];
    const isSteady = all.every((path) => this.marks.changedAtMs(path) < lookedAtMs - COARSE_MS);
    if (all.length > MOST_PATHS || !isSteady) return;
    this.isChanged = true;
    const decidedBy = all.map((path) => this.numberOf(path));
    this.handlers.set(file.name, { ...found, path: file.path, env, envMark: this.envMark(env), decidedBy });
  }

  /** Keep what was found and kept since; all else is forgotten. Never throws (K4). */
  save(): void {
    if (!this.isChanged && this.handlers.size === Object.keys(this.kept.handlers).length) return;
    const paths = [...this.paths.keys()].map((path) => [path, this.marks.of(path)] as const);
    const kept: Kept = { ...this.kept, paths, handlers: Object.fromEntries(this.handlers) };
    write(this.options.stateDir, JSON.stringify(kept));
  }

  /** K1, K2. */
  private holds({ decidedBy, env, envMark }: Entry): boolean {
    if (this.envMark(env) !== envMark) return false;
    return decidedBy.every((at) => {
      const [path, mark] = this.kept.paths[at]!;
      return this.marks.of(path) === mark;
    });
  }

  private numberOf(path: string): number {
    const known = this.paths.get(path) ?? this.paths.size;
    this.paths.set(path, known);
    return known;
  }

  private envMark(names: readonly string[]): string {
    if (names.length === 0) return "";
    return hash(JSON.stringify([this.kept.salt, names.map((name) => [name, this.options.environment[name]])]));
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function read(path: string): Kept | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Kept;
  } catch {
    return undefined; // not there yet, or half of another disk's
  }
}

/** Only for this user: it tells, to whoever can guess, what the variables hold. */
function write(stateDir: string, text: string): void {
  const path = join(stateDir, NAME);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // It is looked again the next time.
  }
}
