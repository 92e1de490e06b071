// What `handlers start` needs: every subject the runtime uses while it serves, and no right to make a stream.

import { usedUpSubject } from "../bind/delivery-limit.ts";
import { keyStream, markSubjects } from "../bind/key-marks.ts";
import { givenBackStream, givenBackSubjects } from "../bind/uncharged-deliveries.ts";
import { controlSubject, controlSubjects } from "../control/control-protocol.ts";
import { slowDownSubject } from "../control/slow-downs.ts";
import { letterSubject, partSubject, redriveSubject } from "../dead-letters/dead-letter.ts";
import { deadLetterStream } from "../dead-letters/letter-store.ts";
import { redriveStream, redriveSubjects } from "../dead-letters/redrive-watch.ts";
import { BY_HAND } from "../later/later-message.ts";
import { laterStream, laterSubjects, wakeSubject } from "../later/later-stream.ts";
import { OVERDUE, windowSubject } from "../later/window.ts";
import { claims } from "../metadata/claims.ts";
import { usesMarks } from "../metadata/spacing.ts";
import { serviceSubjects } from "../observe/service-protocol.ts";
import { rateStream, rateSubjects } from "../pacing/rate-store.ts";
import { markSubject, scheduleStream } from "../schedule/mark-store.ts";
import { changedSubject, entrySubjects, timetableStream } from "../schedule/timetable-stream.ts";
import { type Bucket, bucketsOf, streamOf, subjectsOf } from "../stores/bucket-streams.ts";
import { onceStore, onceStream } from "../stores/once-bucket.ts";
import { earlierRedriveDurableName, queueGroupOf, redriveDurableName } from "../streams/durable-name.ts";
import { sortedSubjects } from "../streams/ordered-stream.ts";
import { outputMarks } from "../streams/output-stream.ts";
import { coveredBy } from "../streams/subject-cover.ts";
import { versionStream, versionSubjects } from "../versions/version-store.ts";
import { orderedStreams, ownStreamNames, takenStreams } from "./app-streams.ts";
import { bucketUse } from "./bucket.ts";
import { type Grant, inboxes, type PermittedApp, type PermittedHandler } from "./grant.ts";
import {
  acknowledgements,
  anyConsumerUse,
  consumerList,
  consumersOf,
  durableUse,
  flowControl,
  STREAM_NAMES,
  streamApi,
  streamLookup,
} from "./jetstream-api.ts";

export function toServe(app: PermittedApp): Grant[] {
  return [
    inboxes(app),
    ...coreHandlers(app),
    ...durableHandlers(app),
    ...ownConsumers(app),
    ...inOrder(app),
    streams(app),
    ...deadLetters(app),
    later(app),
    ...schedules(app),
    timetable(app),
    ...keptOnce(app),
    ...marks(app),
    ...fleetRates(app),
    bucketUse(app.app),
    {
      why: "Keep the last versions of each handler, and roll back to one of them.",
      publish: [...streamApi(versionStream(app.app), "INFO", "MSG.GET", "PURGE"), versionSubjects(app.app)],
    },
    { why: "Take the commands of operators.", subscribe: [controlSubjects(app.app)] },
    {
      why: "Have other replicas pause a handler that is told to slow down, and say what is off where the bucket was removed.",
      publish: [slowDownSubject(app.app), controlSubject(app.app, "restore")],
    },
    { why: "Be seen as a NATS service (`nats micro ls`).", subscribe: serviceSubjects(app.app, "*") },
    ...atomicOutputs(app),
    ...published(app),
    ...usedBuckets(app),
  ];
}

function coreHandlers({ app, handlers }: PermittedApp): Grant[] {
  return handlers
    .filter(({ metadata }) => metadata.kind !== "durable")
    .map(({ name, metadata }) => ({
      why: metadata.everyReplica
        ? `${name} (${metadata.kind}), every replica for itself.`
        : `${name} (${metadata.kind}), in the queue group that its replicas share.`,
      subscribe: claims(metadata).map((subject) =>
        metadata.everyReplica ? subject : `${subject} ${queueGroupOf(app, name)}`,
      ),
    }));
}

/** Each start has consumers of other names. */
function ownConsumers(app: PermittedApp): Grant[] {
  const own = takenStreams(app).filter(({ handler }) => handler.metadata.everyReplica);
  return own.map(({ handler: { name }, subject, stream, domain }) => ({
    why: `${name} (durable), every replica for itself: its consumers of stream ${stream} have new names at each start, so it may take from any consumer of that stream, and settle what that delivers.`,
    publish: [
      ...anyConsumerUse({ stream, domain }, subject),
      ...(domain === undefined ? [] : streamLookup(stream, domain)),
    ],
    subscribe: [usedUpSubject({ stream, durable: "*" })],
  }));
}

function durableHandlers(app: PermittedApp): Grant[] {
  const shared = takenStreams(app).filter(({ handler }) => !handler.metadata.everyReplica);
  return shared.map(({ handler: { name }, subject, durables, stream, domain }) => ({
    why: `${name} (durable): its consumer of stream ${stream}, or one of before durables had a mark of their subject; acknowledgements in both shapes that servers use; word of what has reached a max_deliver.`,
    publish: [
      ...durables.flatMap((durable) => durableUse({ stream, durable, domain }, subject)),
      ...(domain === undefined ? [] : streamLookup(stream, domain)),
    ],
    subscribe: durables.map((durable) => usedUpSubject({ stream, durable })),
  }));
}

/** Of the handler's own, two of them: one is begun while what is left in the other is handled. */
function inOrder(app: PermittedApp): Grant[] {
  return orderedStreams(app).map(({ handler, names, isSorted }) => ({
    why: `${handler} (durable): its partitions, in a stream of its own${isSorted ? ", into which it puts its messages" : ""}.`,
    publish: names.flatMap((stream) => [
      ...(isSorted ? [sortedSubjects(stream)] : []),
      ...streamApi(stream, "MSG.GET", "PURGE"),
      ...consumersOf(stream, "INFO", "CREATE", "MSG.NEXT"),
      ...acknowledgements(stream),
    ]),
    subscribe: names.map((stream) => usedUpSubject({ stream, durable: "*" })),
  }));
}

function streams(app: PermittedApp): Grant {
  const own = ownStreamNames(app);
  const bodies = [...new Set(takenStreams(app).map(({ stream }) => stream))];
  return {
    why: "Find streams by subject, look at the app's own, and read the payload that a dead letter could not hold.",
    publish: [
      STREAM_NAMES,
      ...own.flatMap((stream) => [...streamApi(stream, "INFO"), consumerList(stream)]),
      ...bodies.flatMap((stream) => streamApi(stream, "MSG.GET")),
    ],
  };
}

/** `request` handlers answer with an error instead. */
function deadLetters({ app, handlers }: PermittedApp): Grant[] {
  const failing = handlers.filter(({ metadata }) => metadata.kind !== "request");
  if (failing.length === 0) return [];
  return [
    {
      why: "Keep dead letters.",
      publish: [
        ...streamApi(deadLetterStream(app), "INFO"),
        ...failing.flatMap(({ name }) => [letterSubject(app, name), partSubject(app, name)]),
      ],
    },
    {
      why: "Take dead letters that are sent again.",
      publish: [
        ...streamApi(redriveStream(app), "INFO"),
        ...streamApi(deadLetterStream(app), "MSG.GET"),
        ...failing.flatMap((handler) => redrives(app, handler)),
      ],
      subscribe: [redriveSubjects(app), ...failing.flatMap((handler) => redrivesUsedUp(app, handler))],
    },
    {
      why: "Remember which deliveries were given back unrun.",
      publish: [...streamApi(givenBackStream(app), "INFO", "MSG.GET"), givenBackSubjects(app)],
    },
  ];
}

function redrives(app: string, handler: PermittedHandler): string[] {
  const subject = redriveSubject(app, handler.name);
  return redriveDurables(app, handler).flatMap((durable) =>
    durableUse({ stream: redriveStream(app), durable }, subject),
  );
}

function redrivesUsedUp(app: string, handler: PermittedHandler): string[] {
  return redriveDurables(app, handler).map((durable) => usedUpSubject({ stream: redriveStream(app), durable }));
}

function redriveDurables(app: string, { name }: PermittedHandler): string[] {
  return [redriveDurableName(app, name, redriveSubject(app, name)), earlierRedriveDurableName(app, name)];
}

/** What cannot leave is a letter of whoever published it, of whatever kind. */
function later({ app, handlers }: PermittedApp): Grant {
  const stream = laterStream(app);
  const publishers = [...handlers.map(({ name }) => name), BY_HAND];
  return {
    why: "Publish with `delay` or `at`: what is put off waits in a stream of ours, and is kept as a dead letter when it cannot leave.",
    publish: [
      ...streamApi(stream, "INFO"),
      laterSubjects(app),
      ...consumersOf(stream, "CREATE", "MSG.NEXT"),
      ...acknowledgements(stream),
      ...streamApi(deadLetterStream(app), "INFO", "MSG.GET"),
      ...publishers.flatMap((name) => [letterSubject(app, name), partSubject(app, name)]),
    ],
    subscribe: [wakeSubject(app), windowSubject(app, OVERDUE)],
  };
}

/** Published to their own subjects; what a durable has of it is asked for in `durableUse`. */
function schedules({ app, handlers }: PermittedApp): Grant[] {
  const scheduled = handlers.filter(({ metadata }) => metadata.schedule !== undefined);
  if (scheduled.length === 0) return [];
  const names = scheduled.map(({ name }) => name).join(", ");
  return [
    {
      why: `Run ${names} by schedule: publish to the subjects, and note what has run in a stream of ours.`,
      publish: [
        ...scheduled.flatMap(({ metadata }) => claims(metadata)),
        ...streamApi(scheduleStream(app), "INFO", "MSG.GET"),
        ...scheduled.map(({ name }) => markSubject(app, name)),
      ],
    },
  ];
}

/** What they publish is for `publishes` of the metadata to say. */
function timetable({ app }: PermittedApp): Grant {
  const stream = timetableStream(app);
  return {
    why: "`ctx.schedule`: keep the schedules that handlers make in a stream of ours, note what has run, and tell other replicas.",
    publish: [...streamApi(stream, "INFO", "MSG.GET", "MSG.DELETE"), entrySubjects(app), changedSubject(app)],
    subscribe: [changedSubject(app)],
  };
}

/** Of durable handlers: no message of others comes again. */
function keptOnce({ app, handlers }: PermittedApp): Grant[] {
  if (!handlers.some(({ metadata }) => metadata.kind === "durable")) return [];
  return [
    {
      why: "Keep what `ctx.once` gave, and look whether it is kept.",
      publish: [...streamApi(onceStream(app), "INFO", "MSG.GET"), subjectsOf(onceStore(app))],
    },
  ];
}

/** Of a stream that is not declared the name is not known here. */
function atomicOutputs({ app, handlers, streams }: PermittedApp): Grant[] {
  const atomic = handlers.filter(({ metadata }) => metadata.outputs === "atomic");
  return atomic.map(({ name }) => {
    const subject = outputMarks(app, name);
    const stream = streams.find(({ subjects }) => coveredBy(subjects, subject))?.name;
    return {
      why: `Mark what ${name} has handled, beside its outputs, and look whether a message is marked${stream === undefined ? " (its stream is not declared: grant STREAM.INFO and STREAM.MSG.GET of it)" : ""}.`,
      publish: [subject, ...(stream === undefined ? [] : streamApi(stream, "INFO", "MSG.GET"))],
    };
  });
}

function marks({ app, handlers }: PermittedApp): Grant[] {
  const names = handlers.filter(({ metadata }) => usesMarks(metadata)).map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      why: `Note in a stream of ours which message of ${names.join(", ")} is run, or which replica runs it, by debounce, throttle and singleton.`,
      publish: [...streamApi(keyStream(app), "INFO", "MSG.GET"), ...names.map((name) => markSubjects(app, name))],
    },
  ];
}

function fleetRates({ app, handlers }: PermittedApp): Grant[] {
  const paced = handlers.filter(({ metadata }) => metadata.rate?.per === "fleet");
  if (paced.length === 0) return [];
  const names = paced.map(({ name }) => name).join(", ");
  return [
    {
      why: `Reserve the turns of ${names}, whose rate holds over all replicas, in a stream of ours.`,
      publish: [
        ...streamApi(rateStream(app), "INFO", "MSG.GET"),
        ...paced.flatMap(({ name }) => rateSubjects(app, name)),
      ],
    },
  ];
}

/** What they read and write of buckets; objects are also cleared away. */
function usedBuckets({ handlers, largeBucket }: PermittedApp): Grant[] {
  const used = bucketsOf(handlers.map(({ metadata }) => metadata.uses)).map((bucket) => {
    const users = handlers.filter(({ metadata }) => metadata.uses[bucket.store].includes(bucket.bucket));
    const what = bucket.store === "kv" ? "kv" : "object";
    const why = `The ${what} bucket ${bucket.bucket}, by the metadata of ${users.map(({ name }) => name).join(", ")}.`;
    return bucketGrant(why, bucket);
  });
  if (largeBucket === undefined) return used;
  const why = "What handlers publish that is too large for a message, by `largePayloads`.";
  return [...used, bucketGrant(why, { store: "objects", bucket: largeBucket })];
}

function bucketGrant(why: string, bucket: Bucket): Grant {
  const stream = streamOf(bucket);
  return {
    why,
    publish: [
      ...streamApi(stream, "INFO", "MSG.GET", ...(bucket.store === "objects" ? (["PURGE"] as const) : [])),
      ...consumersOf(stream, "CREATE", "INFO", "DELETE"),
      ...flowControl(stream),
      subjectsOf(bucket),
    ],
  };
}

function published({ handlers }: PermittedApp): Grant[] {
  return handlers
    .filter(({ metadata }) => metadata.publishes.length > 0)
    .map(({ name, metadata }) => ({ why: `What ${name} publishes, by its metadata.`, publish: metadata.publishes }));
}
