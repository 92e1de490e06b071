// Which handlers are served: those that match `only` (all, when it is empty) and are not turned off by configuration.

/** Patterns are names in which `*` stands for anything but `/`, and `**` for anything. */
export function createNameFilter(only: readonly string[], disabled: readonly string[]): (name: string) => boolean {
  const included = only.map(globMatcher);
  const excluded = disabled.map(globMatcher);
  return (name) =>
    (included.length === 0 || included.some((matches) => matches(name))) && !excluded.some((matches) => matches(name));
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
