// What `ctx.once` keeps, where, and under which key. The bucket is the app's, and named by no metadata.

/** What a part of a run has given. Its keys say of which handler it is, and the record of which message and part. */
export interface OnceRecord {
  readonly id: string;
  readonly name: string;
  /** As JSON has it; undefined: it gave nothing. */
  readonly value?: unknown;
}

export interface OncePart {
  readonly app: string;
  readonly handler: string;
  /** Of the message. */
  readonly id: string;
  readonly name: string;
}

export function onceBucket(app: string): string {
  return `${app}_once`;
}

/** What the other side is given: no two parts have the same, whatever is in their names. */
export async function onceKey({ app, handler, id, name }: OncePart): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from(JSON.stringify([app, handler, id, name])));
  return Buffer.from(digest).toString("base64url");
}

/** In the bucket: by handler, so that whoever looks into it sees whose it is. */
export function onceEntry(handler: string, key: string): string {
  return `${handler}.${key}`;
}

/** @param json of the value; undefined: it gave nothing */
export function onceText({ id, name }: Pick<OncePart, "id" | "name">, json: string | undefined): string {
  const about = JSON.stringify({ id, name });
  return json === undefined ? about : `${about.slice(0, -1)},"value":${json}}`;
}
