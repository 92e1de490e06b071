// Kept versions for the tests of this folder.

import type { ResolvedMetadata } from "../../../runtime/metadata/handler-metadata.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";
import type { KeptVersion } from "../../../runtime/versions/kept-version.ts";
import { DEFAULTS } from "../../support/handler-defaults.ts";

export function metadataOf(subject = "orders.placed"): ResolvedMetadata {
  const parsed = parseMetadata({ subject }, DEFAULTS, { handler: "save", file: "handlers/save.ts", source: "" });
  if (!parsed.ok) throw parsed.error;
  return parsed.metadata;
}

export function kept(version: string, servedMs = 0): KeptVersion {
  const program = { digest: `of ${version}`, parts: 1, bytes: 10 };
  return { version, servedMs, made: "sources", runtime: "", metadata: metadataOf(), ...program };
}
