// CPU profiles, taken by the process itself from its start on. Which of that was measured is for their reader to say.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";
import { moduleAt } from "../flame/bundle-modules.ts";
import type { CallFrame } from "../flame/cpu-profile.ts";

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
  nameModules(profile.nodes.map(({ callFrame }) => callFrame));
  writeFileSync(file, JSON.stringify(profile));
  session.disconnect();
  session = undefined;
}

/** The runtime's bundles go with the project they were made for: what was bundled is told instead, while they are there. */
function nameModules(frames: readonly CallFrame[]): void {
  const texts = new Map<string, readonly string[]>();
  for (const frame of frames) {
    if (!frame.url.includes("/.handlers/")) continue;
    const lines = texts.get(frame.url) ?? linesOf(frame.url);
    texts.set(frame.url, lines);
    const module = moduleAt(lines, frame.lineNumber);
    if (module !== undefined) Object.assign(frame, { url: module, lineNumber: -1 });
  }
}

function linesOf(url: string): readonly string[] {
  const path = fileURLToPath(url);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
}
