// The table of thresholds, with what this run measured of it.

import { type Numbers, THRESHOLDS, type Threshold, type ThresholdName } from "../thresholds.ts";
import { judge, showBar, showMeasured } from "./figures.ts";
import type { Table } from "./table.ts";

export interface NumbersRow extends Threshold {
  readonly name: ThresholdName;
  readonly measured: number;
  readonly verdict: string;
}

/** In the order of the table; what was not measured has no row. */
export function rowsOf(numbers: Numbers): NumbersRow[] {
  return (Object.keys(THRESHOLDS) as ThresholdName[]).flatMap((name) => {
    const measured = numbers[name];
    const threshold = THRESHOLDS[name];
    return measured === undefined ? [] : [{ name, ...threshold, measured, verdict: judge(measured, threshold) }];
  });
}

export function numbersTable(rows: readonly NumbersRow[]): Table {
  return {
    title: "numbers: what we hold ourselves to",
    head: ["what", "bar", "beyond", "measured", "verdict"],
    rows: rows.map((row) => [
      row.what,
      showBar(row, row.bar),
      showBar(row, row.beyond),
      showMeasured(row, row.measured),
      row.verdict,
    ]),
    notes: [],
  };
}
