// What `handlers start` needs: every subject the runtime uses while it serves, and no right to make a stream.

import { queueGroupOf } from "../bind/binder.ts";
import { letterSubject, redriveSubject } from "../bind/dead-letter.ts";
import { deadLetterStream } from "../bind/dead-letters.ts";
import { durableNameOf } from "../bind/durable-name.ts";
import { givenBackStream, givenBackSubjects } from "../bind/given-back.ts";
import { redriveDurable } from "../bind/redrive-source.ts";
import { redriveStream, redriveSubjects } from "../bind/redrive-watch.ts";
import { controlSubjects } from "../control/control-protocol.ts";
import { serviceSubjects } from "../observe/service-protocol.ts";
import { ownStreamNames, takenStreams } from "./app-streams.ts";
import { bucketUse } from "./bucket.ts";
import { type Grant, inboxes, type PermittedApp, type PermittedHandler } from "./grant.ts";
import { consumerList, durableUse, STREAM_NAMES, streamApi } from "./jetstream-api.ts";

export function toServe(app: PermittedApp): Grant[] {
  return [
    inboxes(app),
    ...coreHandlers(app),
    ...durableHandlers(app),
    streams(app),
    ...deadLetters(app),
    bucketUse(app.app),
    { why: "Take the commands of operators.", subscribe: [controlSubjects(app.app)] },
    { why: "Be seen as a NATS service (`nats micro ls`).", subscribe: serviceSubjects(app.app, "*") },
    ...published(app),
  ];
}

function coreHandlers({ app, handlers }: PermittedApp): Grant[] {
  return handlers
    .filter(({ metadata }) => metadata.kind !== "durable")
    .map(({ name, metadata: { kind, subject } }) => ({
      why: `${name} (${kind}), in the queue group that its replicas share.`,
      subscribe: [`${subject} ${queueGroupOf(app, name)}`],
    }));
}

function durableHandlers(app: PermittedApp): Grant[] {
  return takenStreams(app).map(({ handler: { name, metadata }, durable, stream }) => ({
    why: `${name} (durable): its consumer of stream ${stream}; acknowledgements in both shapes that servers use.`,
    publish: durableUse({ stream, durable }, metadata.subject),
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
      publish: [...streamApi(deadLetterStream(app), "INFO"), ...failing.map(({ name }) => letterSubject(app, name))],
    },
    {
      why: "Take dead letters that are sent again.",
      publish: [...streamApi(redriveStream(app), "INFO"), ...failing.flatMap((handler) => redrives(app, handler))],
      subscribe: [redriveSubjects(app)],
    },
    {
      why: "Remember which deliveries were given back unrun.",
      publish: [...streamApi(givenBackStream(app), "MSG.GET"), givenBackSubjects(app)],
    },
  ];
}

function redrives(app: string, { name }: PermittedHandler): string[] {
  const durable = redriveDurable(durableNameOf(app, name));
  return durableUse({ stream: redriveStream(app), durable }, redriveSubject(app, name));
}

function published({ handlers }: PermittedApp): Grant[] {
  return handlers
    .filter(({ metadata }) => metadata.publishes.length > 0)
    .map(({ name, metadata }) => ({ why: `What ${name} publishes, by its metadata.`, publish: metadata.publishes }));
}
