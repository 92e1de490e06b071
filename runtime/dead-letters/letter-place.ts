// Where in the author's code a letter's failure came from, read from the stack kept with it.

const FRAME = /^\s+at (?:async )?(?:.*\()?([^()]+:\d+:\d+)\)?$/;
const NOT_THE_AUTHORS = /^node:|[\\/]node_modules[\\/]|^<anonymous>/;

/** The first frame that is no package's and not Node's; undefined where there is none. */
export function placeIn(stack: string | undefined): string | undefined {
  for (const line of stack?.split("\n") ?? []) {
    const place = FRAME.exec(line)?.[1]
      ?.trim()
      .replace(/^file:\/\//, "");
    if (place !== undefined && !NOT_THE_AUTHORS.test(place)) return place;
  }
  return undefined;
}
