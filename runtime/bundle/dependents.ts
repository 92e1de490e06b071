// Which handlers a change concerns.
import { dirname } from "node:path";

/**
 * The handlers that were made from one of the changed files, or from a file below a changed folder.
 *
 * Paths are absolute. A handler whose last build failed belongs in `inputs` with the paths of that failure.
 */
export function dependentsOf(
  changed: ReadonlySet<string>,
  inputs: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const verdicts = new Map<string, boolean>();

  function concerns(path: string): boolean {
    const known = verdicts.get(path);
    if (known !== undefined) return known;
    const above = dirname(path);
    const verdict = changed.has(path) || (above !== path && concerns(above));
    verdicts.set(path, verdict);
    return verdict;
  }

  const dependents = new Set<string>();
  if (changed.size === 0) return dependents;
  for (const [handler, paths] of inputs) if (paths.some(concerns)) dependents.add(handler);
  return dependents;
}
