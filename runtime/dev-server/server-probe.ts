// Whether a file is a nats-server that can be used: it is run once, and says its version.

import type { Clock } from "../clock.ts";
import { runCommand } from "./run-command.ts";
import { isOlder } from "./version-order.ts";

export interface ServerBinary {
  readonly path: string;
  /** Such as "2.15.0". */
  readonly version: string;
}

export interface Failed {
  readonly kind: "failed";
  readonly why: string;
  /** The network is the reason: another try may succeed without anything else being changed. */
  readonly byNetwork?: true;
}

export type Probe = { readonly kind: "usable"; readonly binary: ServerBinary } | Failed;

/** Runs the binary once, to learn that it runs and is new enough. Never rejects. */
export type ProbeBinary = (path: string) => Promise<Probe>;

/** The client's pull consumers need it. */
export const OLDEST_SERVER = "2.9.4";

const PROBE_LIMIT_MS = 10_000;

export function binaryProbe(env: NodeJS.ProcessEnv, clock: Clock): ProbeBinary {
  return async (path) => {
    const end = await runCommand({ command: path, args: ["--version"], env, limitMs: PROBE_LIMIT_MS, clock });
    if (end.kind === "failed") return end;
    const version = /v(\d+\.\d+\.\d+)/.exec(end.output)?.[1];
    if (version === undefined)
      return { kind: "failed", why: `${path} --version says "${end.output.trim().slice(0, 80)}"` };
    if (isOlder(version, OLDEST_SERVER)) {
      return { kind: "failed", why: `${path} is version ${version}; ${OLDEST_SERVER} or newer is needed` };
    }
    return { kind: "usable", binary: { path, version } };
  };
}
