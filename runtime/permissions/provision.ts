// What `handlers start --provision` needs beside serving: to make and change the app's streams.

import { keptStreams } from "../bind/kept-streams.ts";
import { ownStreamNames } from "./app-streams.ts";
import { bucketStream } from "./bucket.ts";
import type { Grant, PermittedApp } from "./grant.ts";
import { streamApi } from "./jetstream-api.ts";
import { toServe } from "./serve.ts";

export function toProvision(app: PermittedApp): Grant[] {
  const kept = [...keptStreams(app.app), bucketStream(app.app)];
  return [
    ...toServe(app),
    {
      why: "Make and change the streams that handlers take from.",
      publish: ownStreamNames(app).flatMap((stream) => streamApi(stream, "INFO", "CREATE", "UPDATE")),
    },
    {
      why: "Make the streams for dead letters, redrives and given-back deliveries, and the bucket.",
      publish: kept.flatMap((stream) => streamApi(stream, "INFO", "CREATE")),
    },
  ];
}
