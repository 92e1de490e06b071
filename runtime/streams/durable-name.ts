// What handlers are called where names may hold neither dots nor slashes, or only dots: one to one, so that no two handlers
// have anything in common.
//
// N1  A durable belongs to one app, handler and subject, and its name says which: readable as far as it goes, then a mark
//     over all three. `a-b`, `a/b` and `a.b` read the same, and their marks differ.
// N2  In subjects a folder is a token. A dot in a handler's name, which would look the same, is `=`: names hold none.

import { createHash } from "node:crypto";

const MARK_DIGITS = 8;
/** The server takes 255; the mark tells apart what is cut off. */
const MOST_READABLE_CHARS = 200;

/** N1. Always the same, so that a handler set back to a subject finds its place there again. */
export function durableNameOf(app: string, handler: string, subject: string): string {
  return marked(readable(app, handler), [app, handler, subject]);
}

/** Of a consumer that is one replica's own. @param replica no other one has it, nor an earlier binding of this one */
export function replicaConsumerName(app: string, handler: string, subject: string, replica: string): string {
  return marked(`${readable(app, handler)}-each`, [app, handler, subject, replica]);
}

/** As durables were called before they belonged to a subject. */
export function earlierDurableName(app: string, handler: string): string {
  return readable(app, handler);
}

/** Of the durable on the stream of redrives. @param subject that of the handler's redrives */
export function redriveDurableName(app: string, handler: string, subject: string): string {
  return marked(earlierRedriveDurableName(app, handler), [app, handler, subject]);
}

export function earlierRedriveDurableName(app: string, handler: string): string {
  return `${readable(app, handler)}-redrive`;
}

/** N2. A handler's name as the end of a subject: `todo/save` is `todo.save`, `todo.v2/save` is `todo=v2.save`. */
export function handlerTokens(handler: string): string {
  return handler.replaceAll(".", "=").replaceAll("/", ".");
}

/** The handler whose tokens these are: a name has no `=`. */
export function handlerOfTokens(tokens: string): string {
  return tokens.replaceAll(".", "/").replaceAll("=", ".");
}

/** In which the replicas of an app share what a handler of core messages is sent. */
export function queueGroupOf(app: string, handler: string): string {
  return `${app}.${handlerTokens(handler)}`;
}

/** As they were before N2: those of `a.b` were those of `a/b`. */
export function earlierHandlerTokens(handler: string): string {
  return handler.replaceAll("/", ".");
}

function readable(app: string, handler: string): string {
  return `${app}-${handler}`.replace(/[^A-Za-z0-9_-]/g, "-");
}

function marked(name: string, of: readonly string[]): string {
  const mark = createHash("sha256").update(of.join(" ")).digest("hex").slice(0, MARK_DIGITS);
  return `${name.slice(0, MOST_READABLE_CHARS)}-${mark}`;
}
