// A list as flags and the environment have it: "a, b".

import type { Read, Reader } from "../metadata/options.ts";

/** Read a list from words joined by commas. */
export function commaList<T>(reader: Reader<T>): Reader<T> {
  return (raw): Read<T> => {
    const entries = typeof raw === "string" ? raw.split(",").map((entry) => entry.trim()) : raw;
    return reader(Array.isArray(entries) ? entries.filter((entry) => entry !== "") : entries);
  };
}
