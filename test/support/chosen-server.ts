// The nats-server that the integration tests run on: NATS_SERVER_BIN (a path), else NATS_SERVER_VERSION (2.9.10, 2.10.27 or
// newest, from Debian's archives), else what `handlers dev` would take.

import { systemClock as clock } from "../../runtime/clock.ts";
import { findServerBinary } from "../../runtime/dev-server/server-binary.ts";
import type { ServerBinary } from "../../runtime/dev-server/server-probe.ts";
import { debianServer } from "./debian-servers.ts";

export function chosenServer(onProgress: (line: string) => void): Promise<ServerBinary> {
  const { NATS_SERVER_BIN: path, NATS_SERVER_VERSION: version, ...env } = process.env;
  if (path) return findServerBinary({ clock, onProgress, env: { ...env, HANDLERS_NATS_SERVER: path } });
  if (version) return debianServer(version, onProgress);
  return findServerBinary({ clock, onProgress });
}
