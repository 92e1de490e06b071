// Amounts of memory and storage as authors write them: a number and a unit.

/** An amount of bytes: `"512KB"`, `"256MB"`, `"1.5GB"`. A KB is 1,024 bytes, a MB 1,024 KB, a GB 1,024 MB. */
export type Size = `${number}${"KB" | "MB" | "GB"}`;

const UNIT_BYTES: Readonly<Record<string, number>> = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Whole bytes; undefined when the text is not a size, is negative or is too large to count. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(KB|MB|GB)$/.exec(text);
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * (UNIT_BYTES[match[2] as string] as number));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
