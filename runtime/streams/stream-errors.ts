// Why a stream cannot be had, said to whoever has to change something.

import type { StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import type { Store } from "../metadata/handler-metadata.ts";
import { storeText } from "../metadata/store.ts";
import { ApiCode, jetStreamError } from "../nats/jetstream-errors.ts";
import { transformOf } from "./stored-subjects.ts";
import type { DeclaredStream } from "./stream-settings.ts";
import { covers, widened } from "./subject-cover.ts";

/** The line of handlers.config.ts that declares it. */
export function configLine(name: string, subjects: readonly string[]): string {
  const list = subjects.map((subject) => JSON.stringify(subject)).join(", ");
  return `streams: [{ name: ${JSON.stringify(name)}, subjects: [${list}] }]`;
}

export function listed(subjects: readonly string[]): string {
  return subjects.map((subject) => `"${subject}"`).join(", ");
}

export function missing({ name, subjects }: DeclaredStream): RuntimeError {
  return new RuntimeError("STREAM_MISSING", `stream "${name}", declared in handlers.config.ts, does not exist`, {
    remedy: `Start with --provision to have it made, or make it: nats stream add ${name} --subjects ${subjects.join(",")}`,
  });
}

/** Another replica has made it just now, and the server that was asked has not heard of it. */
export function notKnownYet(name: string): RuntimeError {
  return new RuntimeError("NATS_UNREACHABLE", `stream "${name}" is being made by another replica`, {
    remedy: "Start again: it is there then.",
  });
}

/** JetStream's leader does not know of a subject that the stream's own leader has taken up. */
export function notListedYet(name: string, subject: string): RuntimeError {
  const message = `stream "${name}" takes "${subject}", and JetStream's leader does not know of it`;
  return new RuntimeError("NATS_UNREACHABLE", message, {
    remedy: "Nothing: it is tried again. Else look whether the cluster has a leader: nats server report jetstream",
  });
}

/** @param elsewhere streams that hold messages of this subject, and are not found by it */
export function noStream(subject: string, handler: string, elsewhere: readonly string[]): RuntimeError {
  const [first = ""] = subject.split(".");
  const wide = /^[*>]$/.test(first) || first === subject ? subject : `${first}.>`;
  const name = /^[*>]$/.test(first) ? "EVENTS" : first.toUpperCase().replace(/[^A-Z0-9_-]/g, "_");
  const message = `handler "${handler}" is durable, and no stream takes its subject "${subject}"`;
  if (elsewhere.length > 0) {
    return new RuntimeError("STREAM_MISSING", `${message}, but it is stored in ${listed(elsewhere)}`, {
      handler,
      remedy: `Name the stream in the metadata: stream: "${elsewhere[0]}".`,
    });
  }
  return new RuntimeError("STREAM_MISSING", message, {
    handler,
    remedy: `Add to handlers.config.ts: ${configLine(name, [wide])} and start once with --provision. A stream that is not found by its subjects (of another domain, a mirror, one with sources or a subject_transform) is named in the metadata: stream: "NAME".`,
  });
}

/** The stream that the metadata names is not there. */
export function namedMissing(name: string, domain: string | undefined, handler: string): RuntimeError {
  const where = domain === undefined ? "" : ` of JetStream domain "${domain}"`;
  return new RuntimeError(
    "STREAM_MISSING",
    `handler "${handler}" takes from stream "${name}"${where}, which does not exist`,
    {
      handler,
      remedy: "Make the stream, or correct `stream` and `domain` in the metadata.",
    },
  );
}

/** The bucket whose changes the handler takes is not there. */
export function bucketMissing(store: Store, domain: string | undefined, handler: string): RuntimeError {
  const where = domain === undefined ? "" : ` of JetStream domain "${domain}"`;
  const message = `handler "${handler}" takes the changes of ${storeText(store)}${where}, which does not exist`;
  const make = `nats ${store.kind === "kv" ? "kv" : "object"} add ${store.bucket}`;
  return new RuntimeError("STREAM_MISSING", message, {
    handler,
    remedy: `Make the bucket (${make}), start once with --provision to have it made, or correct \`${store.kind}\` in the metadata.`,
  });
}

/** What arrives under the handler's subject is stored under another one. */
export function storedElsewhere(subject: string, name: string, config: StreamConfig, handler: string): RuntimeError {
  const { from, to } = transformOf(config) ?? { from: subject, to: subject };
  const message = `stream "${name}" stores "${from}" as "${to}" (subject_transform), so handler "${handler}" on "${subject}" would miss it`;
  return new RuntimeError("STREAM_REFUSED", message, {
    handler,
    remedy: `Take it as it is stored: in the metadata, stream: "${name}" and a subject within "${to}".`,
  });
}

/** The stream that the metadata names never holds all of the subject. */
export function notStoredThere(
  subject: string,
  name: string,
  stored: readonly string[],
  handler: string,
): RuntimeError {
  const message = `stream "${name}", which handler "${handler}" names, stores ${listed(stored)}: not all of its subject "${subject}"`;
  return new RuntimeError("STREAM_REFUSED", message, {
    handler,
    remedy: "Give the handler a subject as the stream stores it, or name another stream.",
  });
}

export function tooNarrow(name: string, uncovered: readonly string[], actual: readonly string[]): RuntimeError {
  const message = `stream "${name}" takes ${listed(actual)}, which leaves out ${listed(uncovered)} of handlers.config.ts`;
  return new RuntimeError("STREAM_REFUSED", message, { remedy: "Start once with --provision to have it changed." });
}

export function severalStreams(subject: string, names: readonly string[], handler: string): RuntimeError {
  const message = `the subject "${subject}" of handler "${handler}" reaches into ${names.length} streams: ${names.join(", ")}`;
  return new RuntimeError("STREAM_REFUSED", message, {
    handler,
    remedy: "A durable handler takes from one stream: narrow its subject, or make one handler for each stream.",
  });
}

export function partly(subject: string, name: string, subjects: readonly string[], handler: string): RuntimeError {
  const message = `stream "${name}" takes only a part of "${subject}", the subject of handler "${handler}": ${listed(subjects)}`;
  const narrower = subjects.find((stored) => covers(subject, stored)) ?? subjects[0] ?? subject;
  return new RuntimeError("STREAM_REFUSED", message, {
    handler,
    remedy: `Widen the stream in handlers.config.ts: ${configLine(name, widened(subjects, subject))}, or narrow the handler to "${narrower}".`,
  });
}

export function streamError(error: unknown, connection: NatsConnection, doing: string, handler?: string): RuntimeError {
  return jetStreamError(error, {
    connection,
    code: "STREAM_REFUSED",
    doing,
    ...(handler === undefined ? {} : { handler }),
    remedies: {
      [ApiCode.subjectsOverlap]:
        "A subject belongs to one stream: `nats stream subjects` and `nats stream ls` show which has it already.",
    },
  });
}
