// A handler's metadata in words: names without their units, values with them. Pure.

import { spanText } from "../../terminal/time-text.ts";
import { bytesText, countText } from "./words.ts";

/** What the page shows elsewhere. */
const SHOWN_ELSEWHERE = new Set(["kind", "subjects", "publishes"]);
const UNIT = /(?:Ms|MiB)$/;

/** Name and value of each option, in the order of the alphabet. */
export function metadataLines(metadata: object): readonly (readonly [name: string, text: string])[] {
  return Object.entries(metadata)
    .filter(([name]) => !SHOWN_ELSEWHERE.has(name))
    .map(([name, value]) => [name.replace(UNIT, ""), valueText(name, value)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function valueText(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map((one) => valueText(name, one)).join(", ");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([inner, one]) => `${inner.replace(UNIT, "")} ${valueText(inner, one)}`)
      .join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? numberText(name, value) : String(value);
}

function numberText(name: string, value: number): string {
  if (name.endsWith("MiB")) return `${countText(value)} MiB`;
  if (name.endsWith("Bytes")) return bytesText(value);
  if (!name.endsWith("Ms")) return countText(value);
  if (value === 0) return "off";
  return value < 1_000 ? `${value} ms` : spanText(value);
}
