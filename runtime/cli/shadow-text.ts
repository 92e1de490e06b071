// What `handlers shadow` prints: how the two versions stand, then one block for each difference.

import type { FoundDifference, Took } from "../shadow/comparison.ts";
import type { ShadowTitle } from "../shadow/kept-report.ts";
import type { Shadowed } from "../shadow/shadow.ts";
import { type Output, printLine } from "../terminal/terminal.ts";
import { visible } from "../terminal/visible.ts";
import { wrap } from "../terminal/wrap.ts";
import { countText } from "./control-session.ts";

const WIDEST = 80;
const MOST_NOISE = 8;

export function printShadow(shadowed: Shadowed, title: ShadowTitle, out: Output): void {
  const width = Math.min(out.columns, WIDEST);
  const { paint } = out;
  const { messages, versions, took, differences, differing, unsteady, noise, subjects } = shadowed;
  printLine(out, `${paint("bold", title.handler)}: ${countText(messages, "message")} of stream ${title.stream}`);
  printLine(out, `  before  ${versions.before}  ${tookText(took.before)}  ${title.before}`);
  printLine(out, `  after   ${versions.after}  ${tookText(took.after)}  ${title.after}`);
  const remarks = [
    ...(subjects.before === subjects.after ? [] : [`subject: ${subjects.before} before, ${subjects.after} after`]),
    ...(unsteady === 0
      ? []
      : [`left out, as the version before ends them one way and then another: ${countText(unsteady, "message")}`]),
    ...(noise.length === 0 ? [] : [`left out, as it differs by itself: ${noiseText(noise)}`]),
  ];
  for (const remark of remarks) printIndented(remark, width, out);
  if (differences.length === 0) return printLine(out, `\n${paint("green", "✓")} no difference`);
  const count = `${countText(differences.length, "difference")}, in ${differing} of ${countText(messages, "message")}`;
  printLine(out, `\n${paint("red", "✗")} ${count}`);
  for (const difference of differences) printDifference(difference, width, out);
}

function printDifference({ what, messages, examples }: FoundDifference, width: number, out: Output): void {
  printLine(out, "");
  const [first = "", ...more] = wrap(`${visible(what)} · ${countText(messages, "message")}`, width).split("\n");
  for (const line of [out.paint("bold", first), ...more]) printLine(out, line);
  for (const { sequence, before, after } of examples) {
    printLine(out, cut(`  ${sequence}  - ${visible(before)}`, width));
    printLine(out, cut(`  ${" ".repeat(String(sequence).length)}  + ${visible(after)}`, width));
  }
}

function printIndented(text: string, width: number, out: Output): void {
  for (const line of wrap(text, width - 2).split("\n")) printLine(out, `  ${line}`);
}

function noiseText(noise: readonly string[]): string {
  const named = noise.slice(0, MOST_NOISE).map(visible).join("; ");
  return noise.length > MOST_NOISE ? `${named}; and ${noise.length - MOST_NOISE} more` : named;
}

function tookText({ p50Ms, p95Ms }: Took): string {
  return `p50 ${msText(p50Ms)}, p95 ${msText(p95Ms)}`;
}

function msText(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
