// Answers that are too long for one message go out in parts.

/** Well below the 1 MB that servers allow unless told otherwise. */
const MOST_BYTES = 256 * 1024;

/**
 * The items in groups whose JSON is small enough; at least one group. An item that is too large alone has its own.
 *
 * @param sizeOf where it is known without writing it
 */
export function splitAnswer<T>(
  items: readonly T[],
  mostBytes = MOST_BYTES,
  sizeOf: (item: T) => number = sizeOfJson,
): T[][] {
  const parts: T[][] = [[]];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (bytes > 0 && bytes + size > mostBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(item);
    bytes += size;
  }
  return parts;
}

function sizeOfJson(item: unknown): number {
  return Buffer.byteLength(JSON.stringify(item));
}
