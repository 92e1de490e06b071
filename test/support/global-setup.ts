// Before the integration tests: a nats-server must be there, so that no test pays for getting it.

import { findServerBinary } from "../../runtime/bind/server-binary.ts";
import { systemClock } from "../../runtime/clock.ts";

export async function setup(): Promise<void> {
  await findServerBinary({ clock: systemClock, onProgress: (line) => console.log(`nats-server: ${line}`) });
}
