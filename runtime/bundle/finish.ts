// From what esbuild prints to what Node would have made of the same files: order, meaning of imports, places.
import type { Metafile } from "esbuild";
import { isPackaged } from "./bare-imports.ts";
import { commonJsExports } from "./commonjs-handler.ts";
import { applyEdits, type Edit, type Printed } from "./edits.ts";
import type { ImportMeta } from "./import-meta.ts";
import { orderImports } from "./import-order.ts";
import { nodeInterop } from "./interop.ts";
import { type Mention, mentionsIn } from "./mentions.ts";
import { type Bound, placeBound } from "./place-bound.ts";
import { type Reached, reachedBy } from "./reached.ts";
import { sourceLookup } from "./source-at.ts";

export interface FinishRequest extends Printed {
  readonly rootDir: string;
  /** The handler's key among the inputs, and its part of the outputs. */
  readonly entry: string;
  readonly inputs: Metafile["inputs"];
  readonly output: Metafile["outputs"][string];
  /** Where the paths in the map start from. */
  readonly folder: string;
  readonly meta: ImportMeta;
}

export interface Finished extends Printed {
  /** What the author's code reaches by its place. */
  readonly reached: readonly Reached[];
  /** Sources of packages that do not work elsewhere. */
  readonly bound: readonly Bound[];
}

export function finish({ code, map, rootDir, entry, inputs, output, folder, meta }: FinishRequest): Finished {
  const hasCode = (module: string) => (output.inputs[module]?.bytesInOutput ?? 0) > 0;
  const sourceAt = sourceLookup({ code, map }, folder);
  const isExpression = (index: number) => sourceAt(index).isExact;
  const isAuthored = (index: number) => {
    const { path } = sourceAt(index);
    return path !== "" && !isPackaged(rootDir, path);
  };
  const mentions = mentionsIn(code, { isExpression, isAuthored }).flatMap((mention) => {
    if (!isAuthored(mention.placeAt)) return [];
    const source = sourceAt(mention.placeAt);
    // A variable's place may stand elsewhere in the file than its use.
    const use = sourceAt(mention.at);
    const reached = reachedBy(mention, use.path === source.path ? use : source);
    return reached === undefined ? [] : [{ mention, reached }];
  });
  const standIns = outermost(mentions.flatMap(({ mention, reached }) => standInFor(mention, reached, code, meta)));
  const isLeft = ({ at }: Edit) => !standIns.some((edit) => edit.at <= at && at < edit.at + edit.length);
  const printed = applyEdits({ code, map }, [
    ...orderImports(code, { entry, modules: inputs, hasCode }),
    ...nodeInterop(code),
    ...commonJsExports(code),
    ...meta.ownPlaces(code, sourceAt).filter(isLeft),
    ...standIns,
  ]);
  return {
    ...printed,
    reached: mentions.map(({ reached }) => reached),
    bound: placeBound(code, sourceAt, (path) => isPackaged(rootDir, path)),
  };
}

/** What names a folder may stand within what names a file of it. */
function outermost(edits: readonly Edit[]): Edit[] {
  const isWithin = (edit: Edit, other: Edit) => other.at <= edit.at && edit.at + edit.length <= other.at + other.length;
  return edits.filter((edit, at) =>
    edits.every((other, otherAt) => !isWithin(edit, other) || (isWithin(other, edit) && at <= otherAt)),
  );
}

/** M5. Lines stay lines. */
function standInFor({ kind, at, length }: Mention, reached: Reached, code: string, meta: ImportMeta): Edit[] {
  if (reached.kind !== "code" && reached.kind !== "file") return [];
  const lines = code.slice(at, at + length).replace(/[^\n]/g, "");
  return [{ at, length, text: meta.nameOf(kind === "url" ? "url" : "path", reached.path) + lines }];
}
