// What a handler file must export, checked once its bundle is loaded.

import type { HandlerFile } from "../discover/handler-file.ts";
import { RuntimeError } from "../errors.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { locate, METADATA_LITERAL } from "../metadata/locate.ts";
import { parseMetadata } from "../metadata/parse.ts";
import type { LoadedModule } from "../wire/protocol.ts";

export interface ExportsOrigin {
  readonly file: HandlerFile;
  readonly source: string;
  readonly defaults: HandlerDefaults;
}

/** The metadata, checked and filled in. Throws METADATA_INVALID with every problem, each at its line. */
export function checkExports(loaded: LoadedModule, origin: ExportsOrigin): ResolvedMetadata {
  const { file, source, defaults } = origin;
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
  if (defaultExport === "function" || defaultExport === "async generator")
    return {
      ...scheduled(parsed.metadata, loaded, origin),
      ...contracted(loaded),
      streamsReply: defaultExport === "async generator",
    };
  if (defaultExport === "generator") {
    throw wrongDefault(
      file,
      "is a generator function: calling it runs nothing",
      "Make it a plain or an async function; to stream replies, `async function*`.",
    );
  }
  const of = defaultExport === "class" ? "that is a class" : `of type ${defaultExport}`;
  const got = defaultExport === "undefined" ? "has no default export" : `has a default export ${of}`;
  throw wrongDefault(file, `${got}, but a function is needed`, "Add `export default (event, ctx) => { ... };`");
}

/** With what its schedule publishes, as the worker has encoded it. */
function scheduled(
  metadata: ResolvedMetadata,
  { schedulePayload = { text: "" } }: LoadedModule,
  { file, source }: ExportsOrigin,
): ResolvedMetadata {
  const { schedule } = metadata;
  if (schedule === undefined) return metadata;
  if ("text" in schedulePayload) return { ...metadata, schedule: { ...schedule, payload: schedulePayload.text } };
  const place = { file: file.displayPath, ...locate(source, METADATA_LITERAL, ["schedule", "payload"]) };
  const message = `handler "${file.name}": metadata.schedule.payload ${schedulePayload.problem}`;
  throw new RuntimeError("METADATA_INVALID", message, { handler: file.name, place });
}

function contracted({ contract }: LoadedModule): Pick<ResolvedMetadata, "contract"> {
  return contract === undefined ? {} : { contract };
}

function wrongDefault(file: HandlerFile, what: string, remedy: string): RuntimeError {
  const place = { file: file.displayPath };
  return new RuntimeError("METADATA_INVALID", `handler "${file.name}" ${what}`, { handler: file.name, place, remedy });
}
