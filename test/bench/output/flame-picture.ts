// A flame graph, the outermost function at the top: where the time of a process goes, by whose code it is.

import { KINDS, type Kind } from "../flame/frame.ts";
import { type Box, layOut } from "../flame/layout.ts";
import { type Stack, type Stacks, shares } from "../flame/stacks.ts";
import { escaped, MARGIN, renderCard, TOP, WIDTH } from "./card.ts";

export interface Flame {
  /** Without extension. */
  readonly file: string;
  /** Scenario and process. */
  readonly title: string;
  readonly stacks: Stacks;
  /** What it was busy with: "message". */
  readonly unit: string;
  /** For each of these, by the kernel's count: samples go by the clock, and count a wait for a core as well. */
  readonly cpuUs: number;
}

const ROW = 18;
const LEAST_WIDTH = 4;
/** Of the font at its size, or wider: text is cut by it, so that it stays in its box wherever it is shown. */
const CHARACTER = 6.7;
const PADDING = 4;
/** A legend in two lines of three. */
const LEGEND = { row: 20, column: 245, top: TOP + 2 };
const FLAME_TOP = LEGEND.top + 2 * LEGEND.row + 8;

const FILLS: Readonly<Record<Kind, readonly [light: string, dark: string]>> = {
  ours: ["#9fd9b8", "#1d6b46"],
  client: ["#a9cdf5", "#25568f"],
  work: ["#f6d58a", "#7a5a12"],
  node: ["#d5dae1", "#454e5b"],
  gc: ["#f3b0a8", "#8f3b33"],
  native: ["#d9c6ee", "#5b437c"],
};

const fills = (at: 0 | 1, indent: string) =>
  Object.entries(FILLS).map(([kind, colours]) => `\n${indent}.${kind} { fill: ${colours[at]} }`);
const STYLE = `
    .box { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
    .legend { font-size: 13px }${fills(0, "    ").join("")}`;
const DARK_STYLE = fills(1, "      ").join("");

export function renderFlame({ title, stacks, unit, cpuUs }: Flame): string {
  const { outermost, busyUs, idleUs, samples } = stacks;
  const boxes = layOut(outermost, WIDTH - 2 * MARGIN, LEAST_WIDTH);
  const deepest = Math.max(...boxes.map(({ depth }) => depth));
  const idle = idleUs / (busyUs + idleUs);
  const legend = [...shares(stacks)];
  return renderCard({
    title,
    subtitle: `${duration(cpuUs)} of CPU per ${unit} · ${samples.toLocaleString("en-US")} samples · idle ${percent(idle)} of the time, left out`,
    told: `${title}: ${legend.map(([kind, share]) => `${KINDS[kind]} ${percent(share)}`).join(", ")}`,
    height: FLAME_TOP + (deepest + 1) * ROW + MARGIN,
    style: STYLE,
    darkStyle: DARK_STYLE,
    content: [...renderLegend(new Map(legend)), ...boxes.map((box) => renderBox(box, busyUs))].join("\n"),
  });
}

function renderLegend(shares: ReadonlyMap<Kind, number>): string[] {
  return (Object.keys(KINDS) as Kind[]).map((kind, at) => {
    const x = MARGIN + (at % 3) * LEGEND.column;
    const y = LEGEND.top + Math.floor(at / 3) * LEGEND.row;
    const text = `${KINDS[kind]} ${percent(shares.get(kind) ?? 0)}`;
    return `  <rect class="${kind}" x="${x}" y="${y - 11}" width="13" height="13" rx="2" /><text class="legend" x="${x + 20}" y="${y}">${text}</text>`;
  });
}

function renderBox({ x, width, depth, stacks }: Box, busyUs: number): string {
  const left = MARGIN + x;
  const top = FLAME_TOP + depth * ROW;
  const label = labelOf(stacks);
  const shown = cut(label, width);
  const text =
    shown === "" ? "" : `<text class="box" x="${fine(left + PADDING)}" y="${top + 12}">${escaped(shown)}</text>`;
  const drawn = Math.max(1, width - 1);
  return `  <g><title>${escaped(tooltip(label, stacks, busyUs))}</title><rect class="${kindOf(stacks)}" x="${fine(left)}" y="${top}" width="${fine(drawn)}" height="${ROW - 1}" rx="1" />${text}</g>`;
}

function labelOf(stacks: readonly Stack[]): string {
  return stacks.length === 1 ? stacks[0]!.name : `… ${stacks.length} smaller`;
}

/** Of the widest: several that are folded have no kind of their own. */
function kindOf(stacks: readonly Stack[]): Kind {
  return stacks.toSorted((a, b) => b.totalUs - a.totalUs)[0]!.kind;
}

/** Full name, place, and its share with all it called and by itself. */
function tooltip(label: string, stacks: readonly Stack[], busyUs: number): string {
  const all = (pick: (stack: Stack) => number) => percent(stacks.reduce((us, stack) => us + pick(stack), 0) / busyUs);
  const names = stacks.map(({ name, place }) => (place === "" ? name : `${name}, ${place}`));
  const what = stacks.length === 1 ? names[0]! : `${label}: ${stacks.map(({ name }) => name).join(", ")}`;
  return `${what}: ${all(({ totalUs }) => totalUs)}, by itself ${all(({ selfUs }) => selfUs)}`;
}

/** As much of it as the box holds; nothing where that would say nothing. */
function cut(text: string, width: number): string {
  const room = Math.floor((width - 2 * PADDING) / CHARACTER);
  if (text.length <= room) return text;
  return room < 4 ? "" : `${text.slice(0, room - 1)}…`;
}

function duration(us: number): string {
  return us < 1_000 ? `${us.toFixed(2)} µs` : `${(us / 1_000).toFixed(2)} ms`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** Tenths of a pixel are enough. */
function fine(value: number): string {
  return String(Number(value.toFixed(1)));
}
