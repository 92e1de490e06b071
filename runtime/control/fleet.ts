// The apps that run on this NATS, and what their handlers say of themselves.
//
// A1  Apps and their replicas are found by NATS's own service protocol, which every replica speaks, and each that is found is waited for;
//     the own app is asked whether it is found or not.
// A2  Replicas of an app may have other handlers, or other versions of one: each version is asked of a replica that serves it.

import { errors, type NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import type { Contract } from "../metadata/contract.ts";
import type { Envelope, HandlerKind } from "../metadata/handler-metadata.ts";
import { watchPermissionViolations } from "../nats/permission-violations.ts";
import { ControlClient } from "./client.ts";
import {
  controlSubject,
  controlSubjectOf,
  type ReplicaInfo,
  type ReportedHandler,
  type StatusReply,
} from "./control-protocol.ts";

const EVERY_SERVICE = "$SRV.PING";
const RUNTIME = "nats-handlers";
/** All of it is waited for: a replica that is short of CPU is not to be missed. */
const FOUND_MS = 1_000;

export interface DeclaredHandler {
  readonly app: string;
  readonly name: string;
  readonly kind: HandlerKind;
  readonly subjects: readonly string[];
  readonly envelope: Envelope;
  readonly publishes: readonly string[];
  readonly contract: Contract | undefined;
}

export interface Fleet {
  /** Those that answer, in the order of the alphabet. */
  readonly apps: readonly string[];
  readonly handlers: readonly DeclaredHandler[];
  /** What they take is not known, and why. */
  readonly unknown: readonly { readonly app: string; readonly handler: string; readonly why: string }[];
  /** Replicas that were found and do not say what they run. */
  readonly silent: readonly { readonly app: string; readonly replica: string }[];
}

export interface FleetOptions {
  readonly connection: NatsConnection;
  /** The own one. */
  readonly app: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
}

/** All that asking needs the right to publish to. */
export const FLEET_SUBJECTS: readonly string[] = [
  EVERY_SERVICE,
  controlSubject("*", "status"),
  controlSubjectOf("*", "contract", "*"),
];

/** Rejects with NATS_REFUSED where one of the questions may not be asked. */
export async function askFleet({ connection, app, inboxPrefix, clock }: FleetOptions): Promise<Fleet> {
  const assertSent = watchPermissionViolations(connection);
  const found = await replicasOn(connection);
  await assertSent(EVERY_SERVICE);
  const asked = [...new Set([...found.keys(), app])].sort();
  const fleets = await Promise.all(
    asked.map((one) => {
      const client = new ControlClient(connection, one, inboxPrefix, clock);
      return askApp({ app: one, replicas: found.get(one) ?? [], client, assertSent });
    }),
  );
  return {
    apps: fleets.flatMap(({ apps }) => apps),
    handlers: fleets.flatMap(({ handlers }) => handlers),
    unknown: fleets.flatMap(({ unknown }) => unknown),
    silent: fleets.flatMap(({ silent }) => silent),
  };
}

/** A1. By app. */
async function replicasOn(connection: NatsConnection): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  try {
    const replies = await connection.requestMany(EVERY_SERVICE, "", { strategy: "timer", maxWait: FOUND_MS });
    for await (const reply of replies) {
      if (reply.data.length === 0) continue;
      const { name, id, metadata } = reply.json<ServiceReply>();
      if (metadata?.runtime === RUNTIME) found.set(name, [...(found.get(name) ?? []), id]);
    }
  } catch (error) {
    // Nobody is there; or it may not be asked, which is told by whoever watches for that.
    if (!(error instanceof errors.NoRespondersError || error instanceof errors.PermissionViolationError)) throw error;
  }
  return found;
}

/** Of whatever service: those of others need not have metadata. */
interface ServiceReply {
  readonly name: string;
  readonly id: string;
  readonly metadata?: Readonly<Record<string, string>> | null;
}

interface AskedApp {
  readonly app: string;
  /** Those that were found. */
  readonly replicas: readonly string[];
  readonly client: ControlClient;
  readonly assertSent: (subject: string) => Promise<void>;
}

async function askApp({ app, replicas, client, assertSent }: AskedApp): Promise<Fleet> {
  // Nothing is known of them yet but what they are called, by which they are waited for.
  const from = replicas.map((instance): ReplicaInfo => ({ instance, host: "", pid: 0, startedAtMs: 0 }));
  const replies = await client.status(from);
  await assertSent(controlSubject(app, "status"));
  const handlers: DeclaredHandler[] = [];
  const unknown: Fleet["unknown"][number][] = [];
  for (const { handler, instance } of versionsIn(replies)) {
    const declared = await declaredBy(client, { app, handler, instance }).catch(async (error: Error) => {
      await assertSent(controlSubjectOf(app, "contract", instance));
      return error.message;
    });
    if (typeof declared === "string") unknown.push({ app, handler: handler.name, why: declared });
    else handlers.push(declared);
  }
  const heard = new Set(replies.map(({ replica }) => replica.instance));
  const silent = replicas.filter((instance) => !heard.has(instance)).map((replica) => ({ app, replica }));
  return { apps: replies.length === 0 ? [] : [app], handlers, unknown, silent };
}

interface Asked {
  readonly handler: ReportedHandler;
  readonly instance: string;
}

/** A2. */
function versionsIn(replies: readonly StatusReply[]): Asked[] {
  const versions = new Map<string, Asked>();
  for (const { replica, handlers } of replies) {
    for (const handler of handlers) {
      const key = JSON.stringify([handler.name, handler.version ?? ""]);
      if (!versions.has(key)) versions.set(key, { handler, instance: replica.instance });
    }
  }
  return [...versions.values()];
}

/** Or why it cannot be told. */
async function declaredBy(
  client: ControlClient,
  { app, handler, instance }: Asked & { readonly app: string },
): Promise<DeclaredHandler | string> {
  const { name, kind, subjects, envelope = "none", publishes = [] } = handler;
  if (kind === undefined || subjects === undefined) return "no version of it has come up";
  const { contract, refusal } = await client.contract(name, instance);
  if (refusal !== undefined) return `it cannot be loaded now: ${refusal.message}`;
  return { app, name, kind: kind as HandlerKind, subjects, envelope, publishes, contract };
}
