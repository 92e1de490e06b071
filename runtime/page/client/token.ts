// The token that came in the address after `#`, which no browser sends anywhere. It is kept for this origin, port included,
// and taken out of the address, so that nobody copies it by mistake.

const KEY = "handlers-token";

/** False when there was none. */
export function takeToken(): boolean {
  const given = /^#t=([\w-]+)$/.exec(location.hash)?.[1];
  if (given === undefined) return false;
  localStorage.setItem(KEY, given);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

export function authorization(): string {
  return `Bearer ${localStorage.getItem(KEY) ?? ""}`;
}
