// The streams that the runtime keeps for itself, whatever the app's handlers are.

import { keptStreams } from "../bind/kept-streams.ts";
import { keyStream } from "../bind/key-marks.ts";
import { intentStream } from "../control/intent-store.ts";
import { laterStream } from "../later/later-stream.ts";
import { rateStream } from "../pacing/rate-store.ts";
import { scheduleStream } from "../schedule/mark-store.ts";
import { timetableStream } from "../schedule/timetable-stream.ts";
import { onceStream } from "../stores/once-bucket.ts";
import { versionStream } from "../versions/version-store.ts";

const OF_APP = [
  ...[laterStream, scheduleStream, timetableStream, rateStream],
  ...[keyStream, versionStream, intentStream, onceStream],
];

export function streamsForRuntime(app: string): string[] {
  return [...keptStreams(app), ...OF_APP.map((nameOf) => nameOf(app))];
}
