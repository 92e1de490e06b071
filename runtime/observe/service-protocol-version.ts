// The version a service tells: the app's own, when it is semver as ADR-32 demands.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

const UNKNOWN = "0.0.0";
/** semver.org, question "Is there a suggested regular expression". */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;

/** From the app's package.json; "0.0.0" when that has none that fits. Never rejects. */
export async function readAppVersion(rootDir: string): Promise<string> {
  const text = await readFile(join(rootDir, "package.json"), "utf8").catch(() => "");
  return versionIn(text);
}

export function versionIn(packageJson: string): string {
  try {
    const { version } = JSON.parse(packageJson) as { version?: unknown };
    return typeof version === "string" && SEMVER.test(version) ? version : UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}
