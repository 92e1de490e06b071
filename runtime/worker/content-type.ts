// What the Content-Type header of a message says of its payload (RFC 9110, RFC 6839).

/** The first one among the headers, which are in the form they have between client and server. */
export function contentTypeIn(headerBytes: Buffer): string | undefined {
  const [, type] = /\r\ncontent-type:[ \t]*([^\r\n]*)/i.exec(headerBytes.toString("latin1")) ?? [];
  return type?.trim() || undefined;
}

/** How a payload of that type is read where JSON would be expected without one. */
export function readingOf(contentType: string): "json" | "text" | "bytes" {
  const type = mediaType(contentType);
  if (/^(application|text)\/json$|\+json$/.test(type)) return "json";
  return type.startsWith("text/") && isUtf8(contentType) ? "text" : "bytes";
}

export function isSameType(one: string, other: string): boolean {
  return mediaType(one) === mediaType(other);
}

/** It says no more than that there are bytes. */
export function isBytesType(contentType: string): boolean {
  return mediaType(contentType) === "application/octet-stream";
}

function mediaType(contentType: string): string {
  return contentType.split(";", 1)[0]!.trim().toLowerCase();
}

function isUtf8(contentType: string): boolean {
  const [, charset = "utf-8"] = /;\s*charset="?([^";\s]+)/i.exec(contentType) ?? [];
  return /^(utf-?8|us-ascii)$/i.test(charset);
}
