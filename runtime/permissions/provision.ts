// What `handlers start --provision` needs beside serving: to make and change the app's streams.

import { keptStreams } from "../bind/kept-streams.ts";
import { keyStream } from "../bind/key-marks.ts";
import { intentStream } from "../control/intent-store.ts";
import { laterStream } from "../later/later-stream.ts";
import { usesMarks } from "../metadata/spacing.ts";
import { rateStream } from "../pacing/rate-store.ts";
import { scheduleStream } from "../schedule/mark-store.ts";
import { timetableStream } from "../schedule/timetable-stream.ts";
import { bucketsOf, streamOf } from "../stores/bucket-streams.ts";
import { onceStream } from "../stores/once-bucket.ts";
import { versionStream } from "../versions/version-store.ts";
import { orderedStreams, ownStreamNames } from "./app-streams.ts";
import type { Grant, PermittedApp } from "./grant.ts";
import { STREAM_LIST, streamApi } from "./jetstream-api.ts";
import { toServe } from "./serve.ts";

export function toProvision(app: PermittedApp): Grant[] {
  const kept = [
    ...keptStreams(app.app),
    laterStream(app.app),
    scheduleStream(app.app),
    timetableStream(app.app),
    ...(app.handlers.some(({ metadata }) => metadata.rate?.per === "fleet") ? [rateStream(app.app)] : []),
    versionStream(app.app),
    intentStream(app.app),
    onceStream(app.app),
    ...(app.handlers.some(({ metadata }) => usesMarks(metadata)) ? [keyStream(app.app)] : []),
  ];
  const large = app.largeBucket === undefined ? [] : [streamOf({ store: "objects", bucket: app.largeBucket })];
  const buckets = [...bucketsOf(app.handlers.map(({ metadata }) => metadata.uses)).map(streamOf), ...large];
  return [
    ...toServe(app),
    {
      why: "Make and change the streams that handlers take from, unless another one stores their messages under another name.",
      publish: [STREAM_LIST, ...ownStreamNames(app).flatMap((stream) => streamApi(stream, "INFO", "CREATE", "UPDATE"))],
    },
    ...orderedStreams(app).map(({ handler, names }) => ({
      why: `Remove the stream in which ${handler} had its messages in order, when they are divided anew.`,
      publish: names.flatMap((stream) => streamApi(stream, "DELETE")),
    })),
    {
      why: "Make the streams for dead letters, redrives, given-back deliveries, what leaves later, what schedules have seen to, schedules that handlers make, turns of rates and the versions of handlers, and the buckets; keep them in more copies.",
      publish: kept.flatMap((stream) => streamApi(stream, "INFO", "CREATE", "UPDATE")),
    },
    ...(buckets.length === 0
      ? []
      : [
          {
            why: "Make the buckets that handlers use, where they are not there.",
            publish: buckets.flatMap((stream) => streamApi(stream, "INFO", "CREATE")),
          },
        ]),
  ];
}
