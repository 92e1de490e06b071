// What the commands of operators need: status, logs, disable, dlq and the like. Not `send` and `request`.

import { controlSubject, controlSubjects } from "../control/control-protocol.ts";
import { deadLetterStream } from "../dead-letters/letter-store.ts";
import { redriveStream, redriveSubjects } from "../dead-letters/redrive-watch.ts";
import { laterStream, laterSubjects } from "../later/later-stream.ts";
import { changedSubject, timetableStream } from "../schedule/timetable-stream.ts";
import { versionStream } from "../versions/version-store.ts";
import { orderedStreams, ownStreamNames, takenStreams } from "./app-streams.ts";
import { bucketUse } from "./bucket.ts";
import { type Grant, inboxes, type PermittedApp } from "./grant.ts";
import {
  consumerCreateUnnamed,
  consumerList,
  consumersOf,
  inDomain,
  STREAM_LIST,
  STREAM_NAMES,
  streamApi,
} from "./jetstream-api.ts";

/** Streams that handlers take from in other domains than the app's. */
function ofDomains(app: PermittedApp): Grant[] {
  const taken = takenStreams(app).filter(({ domain }) => domain !== undefined);
  return [...new Set(taken.map(({ domain }) => domain))].map((domain) => {
    const streams = new Set(taken.filter((one) => one.domain === domain).map(({ stream }) => stream));
    const read = [...streams].flatMap((stream) => streamApi(stream, "INFO", "MSG.GET"));
    return {
      why: `status, replay: look at the consumers of domain ${domain}, and read what is stored there.`,
      publish: [STREAM_NAMES, consumerList("*"), ...read].map((subject) => inDomain(subject, domain)),
    };
  });
}

export function toOperate(app: PermittedApp): Grant[] {
  const letters = deadLetterStream(app.app);
  const own = ownStreamNames(app);
  return [
    inboxes(app),
    {
      why: "status, inspect, running, logs, reload, invoke, cancel, and messages on the page: ask the replicas, have them run any handler with any payload, end what runs, and see what messages carry.",
      publish: [controlSubjects(app.app)],
    },
    {
      why: "ui: hear how far it is what is done to many dead letters, and that it is to stop.",
      subscribe: [controlSubject(app.app, "operation"), controlSubject(app.app, "stop-operation")],
    },
    {
      ...bucketUse(app.app),
      why: "disable, enable, rollback: the bucket that says which handlers are disabled, and which rolled back.",
    },
    {
      why: "inspect, rollback, shadow, bisect: which versions are kept, and their programs.",
      publish: streamApi(versionStream(app.app), "INFO", "MSG.GET"),
    },
    {
      why: "status, inspect, disable, enable: how many messages wait for durable handlers, and where.",
      publish: [STREAM_NAMES, consumerList("*")],
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
      why: "shadow, replay: read stored messages, payloads included. What is replayed goes the way of what is redriven.",
      publish: [
        ...own.flatMap((stream) => streamApi(stream, "INFO", "MSG.GET")),
        ...streamApi(redriveStream(app.app), "PURGE"),
      ],
    },
    ...ofDomains(app),
    {
      why: "scheduled list, cancel: what waits to leave later, payloads included.",
      publish: streamApi(laterStream(app.app), "INFO", "MSG.GET", "MSG.DELETE"),
    },
    {
      why: "scheduled list, cancel --key: the schedules that handlers have made, payloads included.",
      publish: [...streamApi(timetableStream(app.app), "INFO", "MSG.GET", "MSG.DELETE"), changedSubject(app.app)],
    },
    {
      why: "send --delay, --at, and dlq redrive of what could not leave: the replicas publish it, with their rights.",
      publish: [laterSubjects(app.app)],
    },
    {
      why: "prune --versions: remove those of handlers that are gone.",
      publish: streamApi(versionStream(app.app), "PURGE"),
    },
    {
      why: "unclaimed, prune: look through the account's streams, and remove consumers of the app's.",
      publish: [
        STREAM_LIST,
        ...own.flatMap((stream) => [...streamApi(stream, "INFO"), ...consumersOf(stream, "DELETE")]),
        ...orderedStreams(app).flatMap(({ names }) => names.flatMap((stream) => streamApi(stream, "DELETE"))),
      ],
    },
  ];
}
