// Puts two lists beside each other, as a diff of two texts does: what both have stands side by side.

export type Pair<Entry> = readonly [before: Entry | undefined, after: Entry | undefined];

/** Beyond it the table of a diff would be too large: entries of one place are put beside each other then. */
const MOST_ENTRIES = 400;

/**
 * The longest run of entries with equal keys, each beside its like. Between them the first of the one stands beside the
 * first of the other, and so on: one was replaced by the other; what is left over stands alone.
 */
export function aligned<Entry>(
  before: readonly Entry[],
  after: readonly Entry[],
  keyOf: (entry: Entry) => string,
): Pair<Entry>[] {
  if (Math.max(before.length, after.length) > MOST_ENTRIES) return sideBySide(before, after);
  const [left, right] = [before.map(keyOf), after.map(keyOf)];
  const lengths = commonLengths(left, right);
  const pairs: Pair<Entry>[] = [];
  let [gapLeft, gapRight]: [Entry[], Entry[]] = [[], []];
  const closeGap = () => {
    pairs.push(...sideBySide(gapLeft, gapRight));
    [gapLeft, gapRight] = [[], []];
  };
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      closeGap();
      pairs.push([before[i++], after[j++]]);
    } else if (j >= right.length || (i < left.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      gapLeft.push(before[i++]!);
    } else {
      gapRight.push(after[j++]!);
    }
  }
  closeGap();
  return pairs;
}

function sideBySide<Entry>(before: readonly Entry[], after: readonly Entry[]): Pair<Entry>[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, at) => [before[at], after[at]]);
}

/** `[i][j]`: how many the two have in common from there on. */
function commonLengths(left: readonly string[], right: readonly string[]): number[][] {
  const lengths = Array.from({ length: left.length + 1 }, () => new Array<number>(right.length + 1).fill(0));
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        left[i] === right[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  return lengths;
}
