// Lengths of time, sizes and rates as users write them.

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

/** `30s`, `1.5h`, `250ms`: the largest unit of which there is at least one. */
export function durationText(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, size]) => ms >= size) ?? ["ms", 1];
  return `${Number((ms / unitMs).toFixed(2))}${unit}`;
}

/** `912 B`, `3.4 kB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `100/s`, as it is written in metadata. */
export function rateText({ count, everyMs }: { readonly count: number; readonly everyMs: number }): string {
  return `${count}/${UNITS.find(([, ms]) => ms === everyMs)?.[0] ?? durationText(everyMs)}`;
}
