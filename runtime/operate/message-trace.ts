// Where a message to a subject would go now, as the servers themselves say: one with these headers is traced on its way, and
// neither delivered nor stored. A server before 2.11 knows no such headers, and would deliver it: there it is not sent.

import { headers as createHeaders, createInbox, type Msg } from "@nats-io/transport-node";
import { systemClock, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { watchPermissionViolations } from "../nats/permission-violations.ts";
import { isSince } from "../nats/server-version.ts";

/** A subscription that would get it; of a queue group, the member that the server has picked. */
export interface Listener {
  readonly client: string;
  /** As it was subscribed to. */
  readonly subject: string;
  readonly group: string | undefined;
}

export interface MessageTrace {
  readonly listeners: readonly Listener[];
  /** Streams that would store it. */
  readonly streams: readonly string[];
  /** What kept it from going on, as the servers say it. */
  readonly problems: readonly string[];
}

/** What one server says of the message. Of its kinds of events (ADR-41) those that matter here. */
export interface ServerTrace {
  readonly server?: { readonly name?: string };
  readonly request?: { readonly header?: Readonly<Record<string, readonly string[]>> };
  readonly events?: readonly TraceEvent[] | null;
}

interface TraceEvent {
  /** `in`: it came; `eg`: it goes on; `js`: to a stream; others: mappings and imports. */
  readonly type: string;
  readonly kind?: number;
  readonly name?: string;
  readonly sub?: string;
  readonly queue?: string;
  /** Under which name the next server speaks of it. */
  readonly hop?: string;
  readonly stream?: string;
  readonly error?: string;
}

const TRACING_SINCE = [2, 11] as const;
const CLIENT = 0;
/** The servers answer within milliseconds, each once. */
const ANSWERS_MS = 3_000;
const FIRST_HOP = "";

/** Rejects with NATS_REFUSED where the server cannot, or where we may not publish to the subject. */
export async function traceMessage(
  subject: string,
  { connection, inboxPrefix }: { readonly connection: NatsConnection; readonly inboxPrefix: string | undefined },
): Promise<MessageTrace> {
  const { version = "" } = connection.info ?? {};
  if (!knowsTracing(version)) throw cannotTrace(version);
  const assertSent = watchPermissionViolations(connection);
  const inbox = createInbox(inboxPrefix);
  const traces: ServerTrace[] = [];
  const complete = Promise.withResolvers<void>();
  const subscription = connection.subscribe(inbox, {
    callback: (_error, message: Msg) => {
      traces.push(message.json<ServerTrace>());
      if (missingHops(traces).length === 0) complete.resolve();
    },
  });
  const headers = createHeaders();
  headers.set("Nats-Trace-Dest", inbox);
  headers.set("Nats-Trace-Only", "true");
  connection.publish(subject, "", { headers });
  await assertSent(subject);
  await within(systemClock, ANSWERS_MS, complete.promise);
  subscription.unsubscribe();
  if (traces.length === 0) throw unanswered(subject, inbox);
  return traceOf(traces);
}

/** What the servers say together. Pure. */
export function traceOf(traces: readonly ServerTrace[]): MessageTrace {
  const events = traces.flatMap(({ server, events }) =>
    (events ?? []).map((event) => ({ ...event, server: server?.name ?? "?" })),
  );
  const good = events.filter(isGood);
  const listeners = good
    .filter(({ type, kind }) => type === "eg" && kind === CLIENT)
    .map(({ name = "", sub = "", queue }) => ({ client: name, subject: sub, group: queue || undefined }));
  const streams = good.filter(({ type }) => type === "js").flatMap(({ stream }) => stream ?? []);
  const refused = events.filter((event) => !good.includes(event));
  const missing = missingHops(traces).filter((hop) => hop !== FIRST_HOP);
  const problems = [
    ...refused.map(
      ({ server, name, stream, error }) => `${server} to ${stream ?? (name || "another server")}: ${error}`,
    ),
    ...(missing.length === 0 ? [] : [`${missing.length} of the servers that it would go on to have not answered`]),
  ];
  return { listeners, streams: [...new Set(streams)], problems };
}

/** By its version, as 2.11 says its level of the API nowhere in passing. */
export function knowsTracing(version: string): boolean {
  return isSince(version, TRACING_SINCE);
}

function isGood({ error }: TraceEvent): boolean {
  return error === undefined || error === "";
}

/** Servers it was sent on to that have said nothing yet. */
function missingHops(traces: readonly ServerTrace[]): string[] {
  const sentOn = traces.flatMap(({ events }) => (events ?? []).filter(isGood).flatMap(({ hop }) => hop || []));
  const expected = [FIRST_HOP, ...sentOn];
  const heard = new Set(traces.map(({ request }) => request?.header?.["Nats-Trace-Hop"]?.[0] ?? FIRST_HOP));
  return expected.filter((hop) => !heard.has(hop));
}

function cannotTrace(version: string): RuntimeError {
  const message = `nats-server ${version || "of an unknown version"} cannot trace a message: it would deliver it`;
  return new RuntimeError("NATS_REFUSED", message, { remedy: "Tracing needs nats-server 2.11 or later." });
}

function unanswered(subject: string, inbox: string): RuntimeError {
  const message = `the server has not said where a message to "${subject}" would go`;
  return new RuntimeError("NATS_REFUSED", message, {
    remedy: `Its word goes to an inbox: allow this user to publish to "${inbox.split(".").slice(0, -1).join(".")}.>" too.`,
  });
}
