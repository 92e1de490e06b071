// Colours where a person looks on, and nowhere else.

import { styleText } from "node:util";

export type Style = "red" | "green" | "yellow" | "cyan" | "dim" | "bold";

export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

const coloured: Paint = (style, text) => (text === "" ? "" : styleText(style, text, { validateStream: false }));

/** Colours on a terminal unless NO_COLOR is set; FORCE_COLOR brings them elsewhere. */
export function paintFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return plain;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "" && env.FORCE_COLOR !== "0") return coloured;
  return isTerminal && env.TERM !== "dumb" ? coloured : plain;
}
