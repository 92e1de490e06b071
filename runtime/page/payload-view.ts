// A payload as the page shows it: JSON laid out, other text as it is, anything else in hexadecimal. Redacted as the log is,
// and cut. Pure.

import { isSecretName, redactedText } from "../observe/redact.ts";
import type { PayloadView } from "./answers.ts";

/** Most that is shown. */
const MAX_CHARS = 64 * 1024;
/** Beyond this JSON is not laid out. */
const MAX_JSON_BYTES = 4 * 1024 ** 2;
/** In place of a secret. */
export const MASK = "***";

export function payloadView(data: Uint8Array): PayloadView {
  if (data.length === 0) return { bytes: 0, kind: "empty", text: "", cut: false, masked: false };
  const { kind, text } = read(data);
  const shown = kind === "binary" ? text : redacted(text);
  return { bytes: data.length, kind, ...cut(shown), masked: shown !== text };
}

/** Of one of `bytes` of which only the beginning was recorded; undefined: nothing was, as it went too fast. */
export function partView(data: Uint8Array | undefined, bytes: number): PayloadView {
  if (data === undefined) return bytes === 0 ? payloadView(new Uint8Array()) : { ...goneView(), bytes };
  if (data.length >= bytes) return payloadView(data);
  const { kind, text } = read(withoutHalfCharacter(data));
  // Half a JSON text cannot be read, and what it calls a secret is one all the same.
  const shown = kind === "binary" ? text : redactedText(text.replace(PAIRS, maskedPair));
  return { bytes, kind, text: shown, cut: true, masked: shown !== text };
}

const PAIRS = /("(?:[^"\\]|\\.){1,100}"\s*:\s*)"(?:[^"\\]|\\.)*"?/g;

function maskedPair(pair: string, name: string): string {
  return isSecretName(name.slice(1, name.lastIndexOf('"'))) ? `${name}"${MASK}"` : pair;
}

/** Bytes that were cut may end within a character. */
function withoutHalfCharacter(data: Uint8Array): Uint8Array {
  let end = data.length;
  while (end > 0 && data.length - end < 3 && (data[end - 1]! & 0xc0) === 0x80) end--;
  return end > 0 && data[end - 1]! >= 0xc0 ? data.subarray(0, end - 1) : data;
}

/** Of one that is not to be had any more. */
export function goneView(): PayloadView {
  return { bytes: 0, kind: "gone", text: "", cut: false, masked: false };
}

/** Of one that is not to be seen from here. */
export function hiddenView(data: Uint8Array): PayloadView {
  return { bytes: data.length, kind: "hidden", text: "", cut: false, masked: false };
}

/** A header's value: those named as secrets are hidden. */
export function headerView([name, value]: readonly [string, string]): readonly [string, string] {
  return [name, value !== "" && isSecretName(name) ? MASK : redactedText(value)];
}

function read(data: Uint8Array): { readonly kind: "json" | "text" | "binary"; readonly text: string } {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    return { kind: "binary", text: hexOf(data.subarray(0, MAX_CHARS / 2)) };
  }
  if (data.length > MAX_JSON_BYTES) return { kind: "text", text };
  try {
    return { kind: "json", text: JSON.stringify(JSON.parse(text, exactly), null, 2) };
  } catch {
    return { kind: "text", text };
  }
}

/** Secrets by their names at any depth, and passwords in URLs. Text that is no JSON loses only the latter. */
function redacted(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text, masked), null, 2);
  } catch {
    return redactedText(text);
  }
}

function masked(key: string, value: unknown, from?: Source): unknown {
  if (typeof value !== "string") return exactly(key, value, from);
  return value !== "" && isSecretName(key) ? MASK : redactedText(value);
}

/** What newer Nodes tell a reviver: the text that a number was read from. */
interface Source {
  readonly source?: string;
}

/** A number that JavaScript cannot hold is shown as it was sent, where this Node can tell. */
function exactly(_key: string, value: unknown, { source }: Source = {}): unknown {
  const raw = (JSON as unknown as { rawJSON?: (text: string) => unknown }).rawJSON;
  if (typeof value !== "number" || source === undefined || raw === undefined) return value;
  return String(value) === source ? value : raw(source);
}

function hexOf(data: Uint8Array): string {
  return Buffer.from(data)
    .toString("hex")
    .replace(/(.{64})/g, "$1\n");
}

function cut(text: string): { readonly text: string; readonly cut: boolean } {
  return text.length > MAX_CHARS ? { text: text.slice(0, MAX_CHARS), cut: true } : { text, cut: false };
}
