// The version of nats-handlers.

import { readFileSync } from "node:fs";

/** Two folders up in a clone, three in the built package; in a build the file lies beside the code. */
const PLACES = ["../../package.json", "../../../package.json", "./package.json"];

export function packageVersion(): string {
  for (const path of PLACES) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        name?: unknown;
        version?: unknown;
      };
      if (name === "nats-handlers") return String(version);
    } catch {
      // Not here: another place it can be.
    }
  }
  return "unknown";
}
