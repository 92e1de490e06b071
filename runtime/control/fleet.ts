// The apps that run on this NATS, and what their handlers say of themselves.
//
// A1  Apps are found by NATS's own service protocol, which every replica speaks; the own app is asked whether it is found or not.
// A2  Replicas of an app may have other handlers, or other versions of one: each version is asked of a replica that serves it.

import { errors, type NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import type { Contract } from "../metadata/contract.ts";
import type { Envelope, HandlerKind } from "../metadata/handler-metadata.ts";
import { watchPermissionViolations } from "../nats/permission-violations.ts";
import { ControlClient } from "./client.ts";
import { controlSubject, controlSubjectOf, type ReportedHandler, type StatusReply } from "./control-protocol.ts";

const EVERY_SERVICE = "$SRV.PING";
const RUNTIME = "nats-handlers";
const LONGEST_MS = 3_000;

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
  const found = await appsOn(connection);
  await assertSent(EVERY_SERVICE);
  const asked = [...new Set([...found, app])].sort();
  const fleets = await Promise.all(
    asked.map((one) => askApp(one, new ControlClient(connection, one, inboxPrefix, clock), assertSent)),
  );
  return {
    apps: fleets.flatMap(({ apps }) => apps),
    handlers: fleets.flatMap(({ handlers }) => handlers),
    unknown: fleets.flatMap(({ unknown }) => unknown),
  };
}

/** A1. */
async function appsOn(connection: NatsConnection): Promise<string[]> {
  const apps = new Set<string>();
  try {
    const replies = await connection.requestMany(EVERY_SERVICE, "", { strategy: "stall", maxWait: LONGEST_MS });
    for await (const reply of replies) {
      if (reply.data.length === 0) continue;
      const { name, metadata } = reply.json<{ name: string; metadata?: Record<string, string> | null }>();
      if (metadata?.runtime === RUNTIME) apps.add(name);
    }
  } catch (error) {
    // Nobody is there; or it may not be asked, which is told by whoever watches for that.
    if (error instanceof errors.NoRespondersError || error instanceof errors.PermissionViolationError) return [];
    throw error;
  }
  return [...apps];
}

async function askApp(app: string, client: ControlClient, assertSent: (subject: string) => Promise<void>) {
  const replies = await client.status();
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
  return { apps: replies.length === 0 ? [] : [app], handlers, unknown };
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
