// Whether a source is text that can be read: UTF-8, as everything that reads sources takes for granted.
import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { resolve } from "node:path";
import type { Message } from "esbuild";

const LOOKED_AT_BYTES = 256;
/** What stands in the place of bytes that are no character. */
const LOST = "\uFFFD";

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

/** A warning for each source that is nearly UTF-8, as Latin-1 is. `modules`: paths from the root, as esbuild has them. */
export function lostCharacters(rootDir: string, code: string, modules: Iterable<string>): Message[] {
  if (!code.includes(LOST)) return [];
  return [...modules].filter((file) => !file.includes("node_modules/")).flatMap((file) => lostIn(rootDir, file));
}

function lostIn(rootDir: string, file: string): Message[] {
  const bytes = readFileSync(resolve(rootDir, file));
  if (isUtf8(bytes)) return [];
  const lines = bytes.toString().split("\n");
  const line = lines.findIndex((text) => text.includes(LOST));
  const lineText = lines[line] ?? "";
  const column = Buffer.byteLength(lineText.slice(0, lineText.indexOf(LOST)));
  const location = { file, namespace: "file", line: line + 1, column, length: 1, lineText, suggestion: "" };
  const text = `${file} is not UTF-8: characters of it are lost`;
  return [{ id: "", pluginName: "", text, location, notes: [], detail: { remedy: "Save it as UTF-8." } }];
}
