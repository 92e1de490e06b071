// Values over time as lines of a chart, broken where nothing is known. Pure.

export interface Value {
  /** Which step of the axis, from 0. */
  readonly at: number;
  readonly value: number;
}

/** A scale that ends with a round number above all values: 1, 2 or 5 with zeros. */
export function roundTop(values: readonly number[]): number {
  const most = Math.max(0, ...values);
  if (most === 0) return 1;
  const tens = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5, 10].find((factor) => factor * tens >= most) ?? 10) * tens;
}

/** Without the zeros between zeros: a line that lies on the ground all the way tells of nothing. */
export function aboveGround(values: readonly Value[]): Value[] {
  const isUp = (at: number) => (values[at]?.value ?? 0) !== 0;
  return values.filter((_, at) => isUp(at - 1) || isUp(at) || isUp(at + 1));
}

/** The path of an SVG in a box of that size. What stands alone is a line of one step. */
export function linePath(
  values: readonly Value[],
  steps: number,
  top: number,
  box: { width: number; height: number },
): string {
  const x = (at: number) => round((at / steps) * box.width);
  const y = (value: number) => round(box.height - (Math.min(value, top) / top) * box.height);
  let path = "";
  let before: number | undefined;
  for (const { at, value } of values) {
    path += before === at - 1 ? `L${x(at)} ${y(value)}` : `M${x(at)} ${y(value)}`;
    path += `L${x(at + 1)} ${y(value)}`;
    before = at;
  }
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
