// Whether a source is text that can be read: UTF-8, as everything that reads sources takes for granted.
import { closeSync, openSync, readSync } from "node:fs";

const LOOKED_AT_BYTES = 256;

/** "UTF-16" of a file that is, by its mark or its zero bytes; undefined of any other. */
export function foreignEncodingOf(path: string): "UTF-16" | undefined {
  const start = startOf(path);
  const [first, second] = start;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return "UTF-16";
  return start.includes(0) ? "UTF-16" : undefined;
}

function startOf(path: string): Buffer {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(LOOKED_AT_BYTES);
      return bytes.subarray(0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch {
    return Buffer.alloc(0); // gone meanwhile
  }
}
