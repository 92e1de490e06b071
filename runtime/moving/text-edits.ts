// A piece of a file with some of its places changed. Pure.

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text from `start` to `end`. Where an edit lies in another, the outer one counts; what is put in goes before both. */
export function edited(text: string, start: number, end: number, edits: readonly Edit[]): string {
  let result = "";
  let at = start;
  for (const edit of [...edits].sort(inOrder)) {
    if (edit.start < at || edit.end > end) continue;
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at, end);
}

function inOrder(a: Edit, b: Edit): number {
  return a.start - b.start || Number(b.start === b.end) - Number(a.start === a.end) || b.end - a.end;
}

/** What stands before a place in its line, if nothing but white space. */
export function indentationAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return /^\s*/.exec(line)?.[0] ?? "";
}

/** Every line but the first moves to the left, unless it begins in one of the places that are `kept`. */
export function unindenting(
  text: string,
  start: number,
  end: number,
  kept: readonly { readonly start: number; readonly end: number }[],
): Edit[] {
  const indentation = indentationAt(text, start);
  const edits: Edit[] = [];
  if (indentation === "") return edits;
  for (let at = text.indexOf("\n", start) + 1; at > 0 && at < end; at = text.indexOf("\n", at) + 1) {
    const isKept = kept.some((range) => range.start < at && at <= range.end);
    if (!isKept && text.startsWith(indentation, at)) edits.push({ start: at, end: at + indentation.length, text: "" });
  }
  return edits;
}
