// Where each stack of a flame graph lies, from the outermost down: as wide as what it took with all it called.

import type { Stack } from "./stacks.ts";

export interface Box {
  readonly x: number;
  readonly width: number;
  /** 0: nothing called it. */
  readonly depth: number;
  /** Several where each alone would be too narrow to be seen. */
  readonly stacks: readonly Stack[];
}

/** The widest first, side by side below what called them. What is narrower than `leastWidth` is folded into one box. */
export function layOut(outermost: readonly Stack[], width: number, leastWidth: number): Box[] {
  const boxes: Box[] = [];
  const perUs = width / totalOf(outermost);
  place(outermost, 0, 0);
  return boxes;

  function place(siblings: readonly Stack[], from: number, depth: number): void {
    let x = from;
    const add = (stacks: readonly Stack[]): Box => {
      const box = { x, width: totalOf(stacks) * perUs, depth, stacks };
      x += box.width;
      boxes.push(box);
      return box;
    };
    const { wide = [], narrow = [] } = Object.groupBy(siblings, ({ totalUs }) =>
      totalUs * perUs >= leastWidth ? "wide" : "narrow",
    );
    for (const stack of wide.toSorted((a, b) => b.totalUs - a.totalUs))
      place(stack.children, add([stack]).x, depth + 1);
    if (narrow.length > 0 && totalOf(narrow) * perUs >= leastWidth) add(narrow);
  }
}

function totalOf(stacks: readonly Stack[]): number {
  return stacks.reduce((total, { totalUs }) => total + totalUs, 0);
}
