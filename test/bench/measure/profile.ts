// CPU profiles of the measured rounds only, taken by the process itself, so that start-up and warm-up are left out.

import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";

let session: Session | undefined;

/** Begin. Sampled every 200 µs. */
export async function startProfile(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
}

/** End, and write the profile to `file`. */
export async function stopProfile(file: string): Promise<void> {
  if (session === undefined) return;
  const { profile } = await session.post("Profiler.stop");
  writeFileSync(file, JSON.stringify(profile));
  session.disconnect();
  session = undefined;
}
