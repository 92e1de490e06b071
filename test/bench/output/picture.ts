// Bars that compare.

import { escaped, MARGIN, renderCard, TOP, WIDTH } from "./card.ts";

export interface Picture {
  /** Without extension, below docs/pictures/. */
  readonly file: string;
  readonly title: string;
  /** What is counted, and which end is the better one. */
  readonly subtitle: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly shown: string;
  /** The bar the page is about. */
  readonly ours?: boolean;
}

const LABEL_WIDTH = 190;
const VALUE_WIDTH = 150;
const ROW = 34;
const BAR = 20;

const STYLE = `
    .bar { fill: #9aa5b4 }
    .ours { fill: #1f7a4d }
    .strong { font-weight: 600 }`;

const DARK_STYLE = `
      .bar { fill: #66717f }
      .ours { fill: #3fb37f }`;

/** The whole file. Bars begin at 0, so that their lengths compare as the values do. */
export function renderPicture({ title, subtitle, bars }: Picture): string {
  const most = Math.max(...bars.map(({ value }) => value));
  return renderCard({
    title,
    subtitle,
    told: `${title}: ${bars.map(({ label, shown }) => `${label} ${shown}`).join(", ")}`,
    height: TOP + bars.length * ROW + MARGIN - 8,
    style: STYLE,
    darkStyle: DARK_STYLE,
    content: bars.map((bar, at) => renderBar(bar, TOP + at * ROW, most)).join("\n"),
  });
}

function renderBar({ label, value, shown, ours = false }: Bar, y: number, most: number): string {
  const left = MARGIN + LABEL_WIDTH;
  const width = Math.max(2, ((WIDTH - left - MARGIN - VALUE_WIDTH) * value) / most);
  const middle = y + BAR / 2 + 5;
  const strong = ours ? ' class="strong"' : "";
  return [
    `  <text${strong} x="${MARGIN}" y="${middle}">${escaped(label)}</text>`,
    `  <rect class="${ours ? "ours" : "bar"}" x="${left}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" />`,
    `  <text${strong} x="${(left + width + 8).toFixed(1)}" y="${middle}">${escaped(shown)}</text>`,
  ].join("\n");
}
