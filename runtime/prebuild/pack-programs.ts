// The programs of groups, in a build: made once it is known which handlers are in which.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../bundle/bundle.ts";
import { groupProgram, programName } from "../bundle/group-program.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type PackRequest, packHandlers } from "./pack-handlers.ts";

export interface ProgramsRequest extends Omit<PackRequest, "files" | "preloads"> {
  /** A folder of nobody's, for what is to be compiled. */
  readonly scratchDir: string;
  readonly handlers: readonly { readonly file: HandlerFile; readonly metadata: ResolvedMetadata }[];
}

export interface PackedProgram {
  /** The group's name. */
  readonly name: string;
  readonly bundle: Bundle;
}

/** Rejects with BUNDLE_FAILED. What the handlers need outside is in the build already. */
export async function packPrograms({ scratchDir, handlers, ...request }: ProgramsRequest): Promise<PackedProgram[]> {
  const groups = Map.groupBy(handlers, ({ metadata }) => metadata.group);
  const names = [...groups.keys()].flatMap((name) => name ?? []).sort();
  const files = await Promise.all(
    names.map(async (name): Promise<HandlerFile> => {
      const members = groups.get(name)!.map(({ file }) => file);
      const path = join(scratchDir, `${name}.group.mjs`);
      await writeFile(path, groupProgram(members));
      return { name: programName(name), path, displayPath: `groups/${name}.mjs` };
    }),
  );
  if (files.length === 0) return [];
  const { results } = await packHandlers({ ...request, files, preloads: [] });
  return files.map((file, at) => {
    const built = results.get(file.name)!;
    if (!built.ok) throw built.error;
    return { name: names[at]!, bundle: built.bundle };
  });
}
