// Whether a server is new enough for something.

/** `version` as a server states it, such as "2.10.27"; one that states none is not. */
export function isSince(version: string | undefined, [sinceMajor, sinceMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}
