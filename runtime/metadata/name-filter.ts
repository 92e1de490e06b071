// Patterns of handler names: `*` stands for anything but `/`, `**` for anything, `?` for one character.

/** Whether a name matches any of the patterns. */
export function matchesAny(patterns: readonly string[]): (name: string) => boolean {
  const matchers = patterns.map(globMatcher);
  return (name) => matchers.some((matches) => matches(name));
}

export function globMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .split(/(\*\*|\*|\?)/)
    .map((part) =>
      part === "**" ? ".*" : part === "*" ? "[^/]*" : part === "?" ? "[^/]" : part.replace(/[.+^${}()|[\]\\]/g, "\\$&"),
    )
    .join("");
  const regex = new RegExp(`^${source}$`);
  return (name) => regex.test(name);
}
