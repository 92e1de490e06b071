// JSON Schemas of what a handler takes and publishes, by the schema library's own converter.
//
// Source of the protocol: Standard JSON Schema (standardschema.dev), which zod 4.2 and arktype 2.2 speak; valibot speaks it
// with `toStandardJsonSchema` of @valibot/to-json-schema. The input is taken: that is what crosses the wire.

import type { Contract, SchemaNote } from "../metadata/contract.ts";
import { type HandlerModule, isStandardSchema, type StandardSchema } from "./load.ts";

interface Converts {
  readonly jsonSchema?: { input?(options: { readonly target: string }): Record<string, unknown> };
}

const TARGET = "draft-07";
const MOST_CHARS = 500_000;

export function contractOf(metadata: NonNullable<HandlerModule["metadata"]> = {}): Contract {
  const { schema, reply, publishes } = metadata as Record<"schema" | "reply" | "publishes", unknown>;
  const events = Array.isArray(publishes) ? publishes : [];
  return {
    ...(isStandardSchema(schema) ? { takes: noteOf(schema) } : {}),
    ...(isStandardSchema(reply) ? { replies: noteOf(reply) } : {}),
    publishes: events.flatMap(publishedNote),
  };
}

function publishedNote(
  event: { readonly subject?: unknown; readonly schema?: unknown; readonly reply?: unknown } | null,
): Contract["publishes"] {
  if (typeof event?.subject !== "string" || !isStandardSchema(event.schema)) return [];
  const { subject, schema, reply } = event;
  return [{ subject, schema: noteOf(schema), ...(isStandardSchema(reply) ? { replies: noteOf(reply) } : {}) }];
}

function noteOf(schema: StandardSchema): SchemaNote {
  const { vendor, jsonSchema } = schema["~standard"] as StandardSchema["~standard"] & Converts;
  if (typeof jsonSchema?.input !== "function")
    return {
      problem: `cannot be described: ${vendor} schemas have no converter to JSON Schema in them. ${remedyFor(vendor)}`,
    };
  try {
    const { $schema: _, "~standard": __, ...converted } = jsonSchema.input({ target: TARGET });
    const { length } = JSON.stringify(converted);
    return length > MOST_CHARS ? { problem: `has ${length} characters as JSON Schema` } : { schema: converted };
  } catch (error) {
    return { problem: `cannot be described: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function remedyFor(vendor: string): string {
  if (vendor === "zod") return "zod has one since 4.2";
  if (vendor === "valibot") return "Wrap them: `toStandardJsonSchema` of @valibot/to-json-schema";
  return "A newer version may have one: it has to speak Standard JSON Schema";
}
