// The rollbacks in force in this replica: whoever asks for the build of a handler that is rolled back is given the kept version,
// and what follows is what follows from any build. It comes up beside the version that serves, or changes nothing.

import type { Bundle } from "../bundle/bundle.ts";
import type { BuildResult, Bundler } from "../bundle/bundler.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { toRuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Rollback } from "./rollback.ts";

/** A kept version that has been laid out. */
export interface LaidOut {
  readonly path: string;
  readonly preload: readonly string[];
  readonly sizeBytes: number;
  readonly metadata: ResolvedMetadata;
  /** Delete it. Never rejects. */
  remove(): Promise<void>;
}

export interface RollbacksOptions {
  /** Rejects with a RuntimeError: VERSION_NOT_KEPT, or why it cannot be had now. */
  readonly layOut: (handler: string, version: string) => Promise<LaidOut>;
  readonly emit: Emit;
}

/** How a handler stands in this replica. */
export interface VersionStanding {
  /** What it would serve by itself; undefined: that does not build, or has not been built yet. */
  readonly own: string | undefined;
  /** The one that concerns it. */
  readonly rollback: Rollback | undefined;
}

type Good = Extract<BuildResult, { ok: true }>;

export class Rollbacks {
  private readonly options: RollbacksOptions;
  private readonly said = new Map<string, Rollback>();
  /** The start that the last word led to, by handler. */
  private readonly inForce = new Map<string, Promise<void>>();
  private readonly own = new Map<string, string>();
  /** What an operator has had back, by handler. */
  private readonly takenBack = new Map<string, readonly string[]>();
  private readonly laidOut = new Map<Bundle, LaidOut>();
  /** The rollback that was told last, by handler. */
  private readonly told = new Map<string, Rollback>();

  constructor(options: RollbacksOptions) {
    this.options = options;
  }

  /**
   * The word on a handler, which need not be there; in force with the handler's next build. `bringUp` has it built, and the same
   * word, heard once more meanwhile, waits for the same: whoever is told that it is in force would be told so too early.
   */
  say(handler: string, rollback: Rollback | undefined, bringUp: () => Promise<void> | undefined): Promise<void> {
    const before = this.said.get(handler);
    if (rollback === undefined) this.said.delete(handler);
    else this.said.set(handler, rollback);
    if (!isSame(before, rollback)) {
      this.takenBack.set(handler, rollback === undefined ? (before?.from ?? []) : []);
      this.inForce.set(handler, bringUp() ?? Promise.resolve());
    }
    return this.inForce.get(handler) ?? Promise.resolve();
  }

  /** The replica's own version, which nobody insists on. */
  isOnItsOwn(bundle: Bundle): boolean {
    return !this.laidOut.has(bundle) && this.takenBack.get(bundle.handler)?.includes(bundle.version) !== true;
  }

  /** From which versions to lead away, with one more: who is led away already stays so. */
  fromWith(handler: string, version: string): readonly string[] {
    return [...new Set([...(this.said.get(handler)?.from ?? []), version])];
  }

  standingOf(handler: string): VersionStanding {
    const own = this.own.get(handler);
    const rollback = this.said.get(handler);
    return { own, rollback: rollback !== undefined && concerns(rollback, own) ? rollback : undefined };
  }

  /** Of a kept version; undefined for every other bundle. */
  metadataOf(bundle: Bundle): ResolvedMetadata | undefined {
    return this.laidOut.get(bundle)?.metadata;
  }

  /** Builds what serves. */
  over(bundler: Bundler): Bundler {
    return {
      ...bundler,
      build: async (file) => {
        const built = await bundler.build(file);
        return built.ok ? this.rolledBack(file, built, bundler) : built;
      },
      retire: async (bundle) => {
        const laidOut = this.laidOut.get(bundle);
        this.laidOut.delete(bundle);
        await (laidOut === undefined ? bundler.retire(bundle) : laidOut.remove());
      },
    };
  }

  private async rolledBack({ name }: HandlerFile, built: Good, bundler: Bundler): Promise<BuildResult> {
    const { inputs, version: own } = built.bundle;
    this.own.set(name, own);
    const { rollback } = this.standingOf(name);
    this.tell(name, own, rollback);
    if (rollback === undefined || rollback.to === own) return built;
    try {
      return { ok: true, bundle: await this.layOut(name, rollback.to, inputs), warnings: [] };
    } catch (error) {
      return { ok: false, error: toRuntimeError(error, `handler "${name}" could not be rolled back`), inputs };
    } finally {
      await bundler.retire(built.bundle);
    }
  }

  /**
   * A kept version, to be served and retired as one that is built. Rejects as `layOut` of the options does.
   *
   * @param inputs of the replica's own: a save is noticed as before
   */
  async layOut(handler: string, version: string, inputs: readonly string[]): Promise<Bundle> {
    const laidOut = await this.options.layOut(handler, version);
    const { path, preload, sizeBytes } = laidOut;
    const bundle: Bundle = { handler, version, path, preload, companions: [], inputs, sizeBytes };
    this.laidOut.set(bundle, laidOut);
    return bundle;
  }

  private tell(handler: string, own: string, rollback: Rollback | undefined): void {
    const before = this.told.get(handler);
    if (isSame(before, rollback)) return;
    const { emit } = this.options;
    if (rollback === undefined) {
      this.told.delete(handler);
      const why = this.said.has(handler) ? "another-build" : "taken-back";
      return emit({ type: "handler.rollback-over", handler, version: own, why });
    }
    this.told.set(handler, rollback);
    const { to, by, reason } = rollback;
    emit({ type: "handler.rolled-back", handler, version: to, from: own, by, reason });
  }
}

/** R1 of rollback.ts. */
function concerns({ from }: Rollback, own: string | undefined): boolean {
  return own !== undefined && from.includes(own);
}

/** The same word may come again, read anew. */
function isSame(one: Rollback | undefined, other: Rollback | undefined): boolean {
  return one?.to === other?.to && one?.sinceMs === other?.sinceMs;
}
