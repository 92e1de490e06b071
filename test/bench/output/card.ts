// The frame of every picture: an SVG of our own making, readable on light and on dark pages, at the width of a README,
// without any script.

export const WIDTH = 760;
export const MARGIN = 20;
/** What is drawn begins below title and subtitle. */
export const TOP = 74;

export interface Card {
  readonly title: string;
  readonly subtitle: string;
  /** The whole in words, for who cannot see it. */
  readonly told: string;
  readonly height: number;
  /** CSS of its own, and what it sets differently on dark pages. */
  readonly style: string;
  readonly darkStyle: string;
  /** SVG. */
  readonly content: string;
}

// A background of its own: the page's theme and the system's need not agree.
const STYLE = `
    .card { fill: #ffffff; stroke: #d4d9e0 }
    text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2530 }
    .title { font-size: 17px; font-weight: 600 }
    .subtitle { font-size: 13px; fill: #5a6472 }`;

const DARK_STYLE = `
      .card { fill: #14181f; stroke: #333b47 }
      text { fill: #e4e8ee }
      .subtitle { fill: #9ba6b5 }`;

/** The whole file. */
export function renderCard({ title, subtitle, told, height, style, darkStyle, content }: Card): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
  <title>${escaped(told)}</title>
  <style>${STYLE}${style}
    @media (prefers-color-scheme: dark) {${DARK_STYLE}${darkStyle}
    }
  </style>
  <rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" />
  <text class="title" x="${MARGIN}" y="33">${escaped(title)}</text>
  <text class="subtitle" x="${MARGIN}" y="54">${escaped(subtitle)}</text>
${content}
</svg>
`;
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
