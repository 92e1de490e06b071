// What is wrong with a handler's metadata, as one error with the places of all of it.

import { formatPlace, RuntimeError, type SourcePlace } from "../errors.ts";
import { locate, METADATA_LITERAL } from "./locate.ts";

/** Whose metadata it is. `file` is the path to show; `source` is the text of that file, if it is at hand. */
export interface MetadataOrigin {
  readonly handler: string;
  readonly file: string;
  readonly source?: string | undefined;
}

export interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** More of them help nobody. */
const MOST_PROBLEMS = 20;

export function missingMetadata({ handler, file }: MetadataOrigin): RuntimeError {
  return new RuntimeError("METADATA_INVALID", `handler "${handler}" exports no metadata`, {
    handler,
    place: { file },
    remedy:
      'Add `export const metadata = { subject: "orders.created" };`, or start the file\'s name with _ if it is no handler.',
  });
}

export function invalidMetadata(problems: readonly Problem[], { handler, file, source }: MetadataOrigin): RuntimeError {
  const placed = problems.slice(0, MOST_PROBLEMS).map(({ path, message }) => ({
    text: `${["metadata", ...path].join(".")} ${message}`,
    place: { file, ...(source === undefined ? {} : locate(source, METADATA_LITERAL, path)) } satisfies SourcePlace,
  }));
  const [only] = placed;
  if (placed.length === 1 && only !== undefined) {
    return new RuntimeError("METADATA_INVALID", `handler "${handler}": ${only.text}`, { handler, place: only.place });
  }
  const lines = placed.map(({ text, place }) => `\n  ${formatPlace(place)}: ${text}`);
  const more = problems.length > MOST_PROBLEMS ? `\n  and ${problems.length - MOST_PROBLEMS} more` : "";
  const message = `handler "${handler}": metadata has ${problems.length} problems:${lines.join("")}${more}`;
  return new RuntimeError("METADATA_INVALID", message, { handler, place: { file } });
}
