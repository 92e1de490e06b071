// What messages have in common that belong together: said as data, so that the runtime reads it without running any code of the
// author's.

/** The token that stands for a wildcard of `subject`. */
export interface WildcardKey {
  /** Which one, 0 for the first, as in `ctx.wildcards`: 0 to 31. Each of several subjects must have it. */
  wildcard: number;
}

/** The value of a header. */
export interface HeaderKey {
  /** Its name, in any case. Of several values the first. */
  header: string;
}

/** A field of the content. */
export interface FieldKey {
  /**
   * Where it is, such as `"tenant.id"`, at most 16 names: a text, a number, true or false. The content must be JSON, and is decoded for it
   * in the runtime too; `payload: "bytes"` and codecs are refused. Of a packet of NestJS, in its `data`.
   */
  field: string;
}

/** Messages that have none have the empty key in common. */
export type MessageKey = WildcardKey | HeaderKey | FieldKey;
