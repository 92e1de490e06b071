// What a text is like, whatever ids and numbers stand in it: `saved 7f3a90c2 in 12 ms` and `saved 81bd0e44 in 9 ms` are alike.

const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
/** A word of eight letters and digits or more, with a digit in it: what libraries make ids of. */
const WORD_WITH_DIGIT = /\b(?=[\w-]*\d)[\w-]{8,}\b/g;
const NUMBER = /\d+(?:\.\d+)?/g;

export function shapeOf(text: string): string {
  return text.replace(ID, "#").replace(WORD_WITH_DIGIT, "#").replace(NUMBER, "#");
}

/** Whether two values differ only by an id, a time or a number. */
export function alike(one: unknown, other: unknown): boolean {
  if (typeof one === "string" && typeof other === "string") return shapeOf(one) === shapeOf(other);
  return typeof one === "number" && typeof other === "number";
}
