// A message whose content is larger than a message can be: it is in a bucket of objects, and a header says in which.

/** `<bucket>/<name of the object>`. The message itself is empty. */
export const LARGE_HEADER = "Handlers-Large";

const MARK = `\r\n${LARGE_HEADER}: `;

export interface LargeContent {
  readonly bucket: string;
  readonly name: string;
}

/** Undefined of most messages. `headers` as they have them between client and server. */
export function largeHeaderIn(headers: Buffer): string | undefined {
  const at = headers.indexOf(MARK, 0, "latin1");
  if (at < 0) return undefined;
  const end = headers.indexOf("\r\n", at + MARK.length, "latin1");
  return headers.toString("utf8", at + MARK.length, end < 0 ? headers.length : end).trim();
}

export function largeHeader({ bucket, name }: LargeContent): string {
  return `${bucket}/${name}`;
}

/** Undefined: it names no such bucket. A header is not to make a handler read any other than those of large contents. */
export function readLargeHeader(value: string): LargeContent | undefined {
  const [, bucket, name] = /^(LARGE_[A-Za-z0-9_-]{1,240})\/(.{1,500})$/.exec(value) ?? [];
  return bucket === undefined || name === undefined ? undefined : { bucket, name };
}
