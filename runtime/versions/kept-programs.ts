// Gets kept versions ready to run: looked up, fetched, and laid out in a folder of this process.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openBuildFolder } from "../bundle/build-folder.ts";
import { RuntimeError } from "../errors.ts";
import { type KeptVersion, versionCalled } from "./kept-version.ts";
import { layOut, type ProgramPlace } from "./program.ts";
import type { LaidOut } from "./rollbacks.ts";
import type { VersionStore } from "./version-store.ts";

export interface KeptProgramsOptions {
  readonly store: Pick<VersionStore, "kept" | "program">;
  /** Where programs may run: each in the one that is made as it is. */
  readonly places: readonly ProgramPlace[];
  /** Where folders of processes are made: below the project's root, so that code from sources finds its packages. */
  readonly dir: string;
  /** From what the store rejects with. */
  readonly explain: (error: unknown, handler: string) => RuntimeError;
}

export class KeptPrograms {
  private readonly options: KeptProgramsOptions;
  private folder: { readonly path: string; remove(): Promise<void> } | undefined;
  private made = 0;

  constructor(options: KeptProgramsOptions) {
    this.options = options;
  }

  /** Rejects with a RuntimeError: VERSION_NOT_KEPT, BUILD_UNUSABLE for one that cannot run here, or what the store has. */
  async layOut(handler: string, version: string): Promise<LaidOut & { readonly version: string }> {
    const { store, places, dir, explain } = this.options;
    try {
      const kept = keptVersion(handler, version, await store.kept(handler));
      const place = placeFor(handler, kept, places);
      const program = await store.program(handler, kept);
      this.folder ??= openBuildFolder(dir);
      const folder = join(this.folder.path, String(this.made++));
      const code = await layOut(program, place, folder);
      const remove = () => rm(folder, { recursive: true, force: true });
      return { ...code, version: kept.version, sizeBytes: kept.bytes, metadata: kept.metadata, remove };
    } catch (error) {
      throw explain(error, handler);
    }
  }

  /** Delete what was laid out. */
  async close(): Promise<void> {
    await this.folder?.remove();
  }
}

/** Throws VERSION_NOT_KEPT, with those that are. @param word the version, or how it begins */
export function keptVersion(handler: string, word: string, kept: readonly KeptVersion[]): KeptVersion {
  const found = versionCalled(kept, word);
  if (found !== undefined && found !== "ambiguous") return found;
  const what =
    found === "ambiguous"
      ? `more than one version of handler "${handler}" begins with ${word}`
      : `no version ${word} of handler "${handler}" is kept`;
  throw new RuntimeError("VERSION_NOT_KEPT", what, { handler, remedy: keptRemedy(kept) });
}

/** What there is instead. */
export function keptRemedy(kept: readonly KeptVersion[]): string {
  const versions = kept.map(({ version }) => version).join(", ");
  return versions === "" ? "A version is kept once it has served for a moment." : `These are kept: ${versions}.`;
}

/** Throws BUILD_UNUSABLE. */
function placeFor(
  handler: string,
  { version, made, runtime }: KeptVersion,
  places: readonly ProgramPlace[],
): ProgramPlace {
  const refused = (why: string, remedy: string) =>
    new RuntimeError("BUILD_UNUSABLE", `version ${version} of handler "${handler}" ${why}`, { handler, remedy });
  const place = places.find((one) => one.made === made);
  if (place === undefined) {
    const [was, here] = made === "build" ? ["from a build", "sources are"] : ["from sources", "a build is"];
    throw refused(
      `was kept ${was}, and here ${here} served`,
      "Roll back to a version that was started as this one is.",
    );
  }
  if (place.made === "build" && runtime !== place.runtime) {
    throw refused(
      `was built with nats-handlers ${runtime}, and this is ${place.runtime}`,
      "Deploy its build again: a program runs only on the runtime that it was built with.",
    );
  }
  return place;
}
