// What a handler file must export, checked once its bundle is loaded.

import type { HandlerFile } from "../discover/handler-file.ts";
import { RuntimeError } from "../errors.ts";
import type { LoadedModule } from "../isolate/protocol.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { parseMetadata } from "../metadata/parse.ts";

export interface ExportsOrigin {
  readonly file: HandlerFile;
  readonly source: string;
  readonly defaults: HandlerDefaults;
}

/** The metadata, checked and filled in. Throws METADATA_INVALID with every problem, each at its line. */
export function checkExports(loaded: LoadedModule, { file, source, defaults }: ExportsOrigin): ResolvedMetadata {
  const parsed = parseMetadata(loaded.metadata, defaults, { handler: file.name, file: file.displayPath, source });
  if (!parsed.ok) throw parsed.error;
  const { defaultExport } = loaded;
  if (defaultExport === "async generator" && parsed.metadata.kind !== "request") {
    throw wrongDefault(
      file,
      "streams, which only a request handler can",
      'Set `kind: "request"`, or make it a plain async function.',
    );
  }
  if (defaultExport === "function" || defaultExport === "async generator") return parsed.metadata;
  const got = defaultExport === "undefined" ? "has no default export" : `has a default export of type ${defaultExport}`;
  throw wrongDefault(file, `${got}, but a function is needed`, "Add `export default (event, ctx) => { ... };`");
}

function wrongDefault(file: HandlerFile, what: string, remedy: string): RuntimeError {
  const place = { file: file.displayPath };
  return new RuntimeError("METADATA_INVALID", `handler "${file.name}" ${what}`, { handler: file.name, place, remedy });
}
