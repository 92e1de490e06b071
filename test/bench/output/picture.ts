// Bars as an SVG of our own making: readable on light and on dark pages, at the width of a README, without any script.

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

const WIDTH = 760;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 150;
const MARGIN = 20;
const TOP = 74;
const ROW = 34;
const BAR = 20;

// A card with a background of its own: the page's theme and the system's need not agree.
const STYLE = `
    .card { fill: #ffffff; stroke: #d4d9e0 }
    text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2530 }
    .title { font-size: 17px; font-weight: 600 }
    .subtitle { font-size: 13px; fill: #5a6472 }
    .bar { fill: #9aa5b4 }
    .ours { fill: #1f7a4d }
    .strong { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      .card { fill: #14181f; stroke: #333b47 }
      text { fill: #e4e8ee }
      .subtitle { fill: #9ba6b5 }
      .bar { fill: #66717f }
      .ours { fill: #3fb37f }
    }`;

/** The whole file. Bars begin at 0, so that their lengths compare as the values do. */
export function renderPicture({ title, subtitle, bars }: Picture): string {
  const height = TOP + bars.length * ROW + MARGIN - 8;
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map((bar, at) => renderBar(bar, TOP + at * ROW, most));
  const told = bars.map(({ label, shown }) => `${label} ${shown}`).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
  <title>${escaped(`${title}: ${told}`)}</title>
  <style>${STYLE}
  </style>
  <rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" />
  <text class="title" x="${MARGIN}" y="33">${escaped(title)}</text>
  <text class="subtitle" x="${MARGIN}" y="54">${escaped(subtitle)}</text>
${rows.join("\n")}
</svg>
`;
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

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
