// What a handler takes and publishes, as JSON Schemas: for those who describe the app, not for those who run it.

/** JSON Schema draft-07 of what crosses the wire; or why there is none, as the end of a sentence about the schema. */
export type SchemaNote = { readonly schema: Readonly<Record<string, unknown>> } | { readonly problem: string };

export interface Contract {
  /** Undefined: it has no schema. */
  readonly takes?: SchemaNote;
  /** Undefined: what it answers has none. */
  readonly replies?: SchemaNote;
  /** Of the events in `publishes` that have a schema; `replies`: what it reads of the answer, where one is a request. */
  readonly publishes: readonly {
    readonly subject: string;
    readonly schema: SchemaNote;
    readonly replies?: SchemaNote;
  }[];
}
