// Prose broken at its spaces, so that it stays inside the window.

/**
 * The text in lines of at most `columns` characters, as far as its words allow; the first line has `lead` characters
 * less. Line ends in the text stay.
 */
export function wrap(text: string, columns: number, lead = 0): string {
  return text
    .split("\n")
    .map((line, at) => wrapLine(line, columns, at === 0 ? lead : 0))
    .join("\n");
}

function wrapLine(line: string, columns: number, lead: number): string {
  const lines: string[] = [];
  let at = "";
  for (const word of line.split(" ")) {
    const room = columns - (lines.length === 0 ? lead : 0);
    if (at !== "" && at.length + 1 + word.length > room) {
      lines.push(at);
      at = word;
    } else {
      at = at === "" ? word : `${at} ${word}`;
    }
  }
  return [...lines, at].join("\n");
}
