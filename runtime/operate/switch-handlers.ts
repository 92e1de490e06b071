// What `disable` and `enable` have in common: the intent is stored for each handler, and every replica is waited for.
//
// S1  A bucket that does not answer at once, as while a cluster chooses who leads it, or has no room, as on a full disk, holds
//     nobody up who turns a handler off: the replicas are told, act by it, and write it down when the bucket takes it. Should
//     one not know how, or none be there, the bucket is waited for.

import { systemClock, within } from "../clock.ts";
import type { Applied } from "../control/client.ts";
import type { ReplicaInfo, StatusReply } from "../control/control-protocol.ts";
import type { Intent, IntentMark } from "../control/intent.ts";
import { type IntentStore, openIntentStore } from "../control/intent-store.ts";
import { watchersOf } from "../control/intent-watchers.ts";
import { RuntimeError } from "../errors.ts";
import { takesNothingNow } from "../nats/jetstream-errors.ts";
import type { SaidRollback } from "../versions/rollback.ts";
import { type OperatorSession, replicasOf, stillThere } from "./session.ts";

/** How things stand before anything is switched. */
export interface Scene {
  /** Rejects when it cannot be had. */
  readonly bucket: Promise<IntentStore>;
  /** Whether it was there at once. */
  readonly answers: boolean;
  /** By the server's clock, as far as anybody has told. */
  readonly nowMs: number;
  readonly replies: readonly StatusReply[];
  /** Replicas that would act by an intent, whether or not they answer. */
  readonly watchers: readonly ReplicaInfo[];
}

/** S1: a bucket that answers does so within milliseconds. */
const BUCKET_SOON_MS = 700;
const TOLD_MS = 3_000;

export async function lookAround({ connection, app, client, copies }: OperatorSession): Promise<Scene> {
  const bucket = openIntentStore(connection, app, systemClock, { copies });
  bucket.catch(() => undefined); // Told to whoever waits for it.
  const around = Promise.all([client.status(), watchersOf(connection, app)]);
  const store = await within(systemClock, BUCKET_SOON_MS, unlessFull(bucket));
  const [replies, watchers] = await around;
  const answers = store !== "expired";
  const nowMs = answers ? store.nowMs() : replies[0]?.nowMs;
  return { bucket, answers, nowMs: nowMs ?? systemClock.nowMs(), replies, watchers };
}

export interface Switched extends Applied {
  /** Replicas that answered before, without those that have gone meanwhile. */
  readonly asked: readonly ReplicaInfo[];
  /** Who keeps it now (S1). */
  readonly keptBy: "bucket" | "replicas";
  readonly startedAtMs: number;
  readonly waitMs: number;
}

export interface Switching {
  readonly intent: Intent | SaidRollback;
  readonly waitMs: number;
}

/** Store the intent for each handler, and wait at most `waitMs` milliseconds until all replicas act by it. */
export async function switchAll(
  { client }: OperatorSession,
  { bucket, answers, replies, watchers }: Scene,
  names: readonly string[],
  { intent, waitMs }: Switching,
): Promise<Switched> {
  const startedAtMs = systemClock.monotonicMs();
  const replicas = replicasOf(replies, watchers);
  const text = JSON.stringify(intent);
  const switched = (applied: Applied, keptBy: Switched["keptBy"]): Switched => {
    const asked = stillThere(
      replies.map(({ replica }) => replica),
      applied.gone,
    );
    return { ...applied, asked, keptBy, startedAtMs, waitMs };
  };
  const stored = storeAll(bucket, names, intent);
  stored.catch(() => undefined); // Told below, where it is waited for.
  const soonMs = answers ? BUCKET_SOON_MS : 0; // It has had its time.
  if ((await within(systemClock, soonMs, unlessFull(stored))) === "expired" && replicas.length > 0) {
    const intents = names.map((name) => ({ name, text }));
    const { replies: told, silent, gone } = await client.tell(intents, replicas, TOLD_MS);
    const done = told.map(({ replica }) => replica);
    if (silent.length === 0 && done.length > 0) return switched({ done, late: [], gone }, "replicas"); // S1
  }
  const marks = await stored;
  const texts = marks.map(() => text);
  return switched(await client.applied(marks, texts, replicas, waitMs), "bucket");
}

/** S1 */
function unlessFull<T>(asked: Promise<T>): Promise<T | "expired"> {
  return asked.catch((error: unknown) => {
    if (error instanceof RuntimeError && takesNothingNow(error.cause)) return "expired";
    throw error;
  });
}

async function storeAll(
  bucket: Promise<IntentStore>,
  names: readonly string[],
  intent: Switching["intent"],
): Promise<readonly IntentMark[]> {
  const store = await bucket;
  const marks: IntentMark[] = [];
  for (const name of names) marks.push(await store.put(name, intent));
  return marks;
}
