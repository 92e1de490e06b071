// A request ties a subject to the schemas of what is asked and what is answered, once, so that both ends share it.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { defineEvent, type EventDefinition } from "./define-event.ts";

/** A subject, the schema of what is asked, and that of the reply. Spread it into the `metadata` of a `request` handler. */
export interface RequestDefinition<
  Subject extends string = string,
  Schema extends StandardSchemaV1 = StandardSchemaV1,
  Reply extends StandardSchemaV1 = StandardSchemaV1,
> extends EventDefinition<Subject, Schema> {
  /** Any Standard Schema. Handlers return its input, requesters get its output. Of a streamed reply: each value. */
  readonly reply: Reply;
}

/** What a requester gets: the output of the reply's schema; `unknown` without one. */
export type ReplyOf<Definition> = Definition extends { readonly reply: infer Reply extends StandardSchemaV1 }
  ? StandardSchemaV1.InferOutput<Reply>
  : unknown;

/** What a handler of this request returns or yields: the input of the reply's schema; `unknown` without one. */
export type AnswerOf<Definition> = Definition extends { readonly reply: infer Reply extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Reply>
  : unknown;

/**
 * Tie a subject to the schemas (any Standard Schema) of what is asked and of the reply. The reply is checked where it is
 * returned, and again where it arrives.
 *
 * Throws a TypeError when the subject is not one a handler may take, or a schema is not a Standard Schema.
 */
export function defineRequest<
  const Subject extends string,
  Schema extends StandardSchemaV1,
  Reply extends StandardSchemaV1,
>(subject: Subject, schema: Schema, reply: Reply): RequestDefinition<Subject, Schema, Reply> {
  const event = defineEvent(subject, schema);
  if (typeof reply?.["~standard"]?.validate !== "function") {
    throw new TypeError(
      `defineRequest("${subject}"): the third argument must be a Standard Schema of the reply, such as z.object({ ... })`,
    );
  }
  return { ...event, reply };
}
