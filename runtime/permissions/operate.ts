// What the commands of operators need: status, logs, disable, dlq and the like. Not `send` and `request`.

import { deadLetterStream } from "../bind/dead-letters.ts";
import { redriveStream, redriveSubjects } from "../bind/redrive-watch.ts";
import { controlSubjects } from "../control/control-protocol.ts";
import { ownStreamNames, takenStreams } from "./app-streams.ts";
import { bucketUse } from "./bucket.ts";
import { type Grant, inboxes, type PermittedApp } from "./grant.ts";
import {
  consumerCreateUnnamed,
  consumerList,
  consumersOf,
  durableInfo,
  STREAM_LIST,
  STREAM_NAMES,
  streamApi,
} from "./jetstream-api.ts";

export function toOperate(app: PermittedApp): Grant[] {
  const letters = deadLetterStream(app.app);
  const own = ownStreamNames(app);
  const durables = takenStreams(app).map(({ durable }) => durable);
  return [
    inboxes(app),
    {
      why: "status, inspect, logs, reload, invoke: ask the replicas, and have them run any handler with any payload.",
      publish: [controlSubjects(app.app)],
    },
    { ...bucketUse(app.app), why: "disable, enable: the bucket that says which handlers are disabled." },
    {
      why: "status, disable: how many messages wait for durable handlers.",
      publish: [STREAM_NAMES, ...durables.map(durableInfo)],
    },
    {
      why: "dlq list, show: dead letters hold the payloads of failed messages.",
      publish: [
        consumerCreateUnnamed(letters),
        ...consumersOf(letters, "INFO", "MSG.NEXT", "DELETE"),
        ...[letters, ...own].flatMap((stream) => streamApi(stream, "MSG.GET")),
      ],
    },
    {
      why: "dlq redrive, purge: send dead letters again, and remove them.",
      publish: [
        ...streamApi(letters, "MSG.DELETE", "PURGE"),
        ...streamApi(redriveStream(app.app), "INFO"),
        redriveSubjects(app.app),
      ],
    },
    {
      why: "unclaimed, prune: look through the account's streams, and remove consumers of the app's.",
      publish: [
        STREAM_LIST,
        consumerList("*"),
        ...own.flatMap((stream) => [...streamApi(stream, "INFO"), ...consumersOf(stream, "DELETE")]),
      ],
    },
  ];
}
