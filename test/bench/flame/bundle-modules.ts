// Which module a line of a bundle comes from: esbuild writes the path of each above its code.

/** From the folder the bundle was made in; undefined where the bundle does not say. `line` counts from 0. */
export function moduleAt(lines: readonly string[], line: number): string | undefined {
  for (let at = Math.min(line, lines.length - 1); at >= 0; at--) {
    const [, path] = /^\/\/ ([\w@./-]+\.[cm]?[jt]s)$/.exec(lines[at]!) ?? [];
    if (path !== undefined) return path;
  }
  return undefined;
}
