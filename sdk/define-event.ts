// An event ties a subject to the schema of its payload, once, so that publishers and handlers share it.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { subjectProblem } from "./subject.ts";

/** A subject and the schema of what is published to it. Spread it into a handler's `metadata`. */
export interface EventDefinition<Subject extends string = string, Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** Where it is published to. `*` and a last `>` are for handlers: such an event cannot be published. */
  readonly subject: Subject;
  /** Any Standard Schema. Publishers give its input, handlers get its output. */
  readonly schema: Schema;
}

/**
 * What a handler of this event (or with this metadata) receives: the schema's output; without a schema bytes or what the
 * codec decodes, where `payload` says so; else `unknown`.
 */
export type PayloadOf<Definition> = Definition extends { readonly schema: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferOutput<Schema>
  : Definition extends { readonly payload: infer Format }
    ? ReadAs<Format>
    : unknown;

type ReadAs<Format> = Format extends "bytes"
  ? Uint8Array
  : Format extends { decode(bytes: Uint8Array): infer Value }
    ? Value
    : unknown;

/** What a publisher of this event hands over: the schema's input, before defaults and transforms. */
export type PublishedOf<Definition> = Definition extends { readonly schema: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Schema>
  : unknown;

/**
 * Tie a subject to a schema (any Standard Schema: zod, valibot, arktype).
 *
 * The subject may have wildcards: such an event can be handled, not published. Throws a TypeError when the subject
 * is not one a handler may take, or the schema is not a Standard Schema.
 */
export function defineEvent<const Subject extends string, Schema extends StandardSchemaV1>(
  subject: Subject,
  schema: Schema,
): EventDefinition<Subject, Schema> {
  const problem = typeof subject === "string" ? subjectProblem(subject) : "must be a string";
  if (problem !== undefined) {
    throw new TypeError(`defineEvent: the subject ${problem}; received ${JSON.stringify(subject)}`);
  }
  if (typeof schema?.["~standard"]?.validate !== "function") {
    throw new TypeError(
      `defineEvent("${subject}"): the second argument must be a Standard Schema, such as z.object({ ... })`,
    );
  }
  return { subject, schema };
}
