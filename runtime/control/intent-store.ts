// What the operator wants of each handler, in a KV bucket that every replica watches: turning a handler off holds for
// all of them, and survives restarts.
//
// I1  A replica that loses the bucket goes by the last intent it knew.
// I2  An intent with an end is over at its end on every replica, whoever removes it from the bucket.

import { jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { Disabled } from "../supervise/intent.ts";

export interface Intent {
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly untilMs?: number;
  readonly now: boolean;
}

export type OnIntent = (name: string, disabled: Disabled | undefined, revision: number) => void;

const OPEN_MS = 10_000;

export function bucketName(app: string): string {
  return `${app}_handlers`;
}

/** Open the app's bucket, made when missing. Rejects with NATS_UNREACHABLE when JetStream does not answer in 10 s. */
export async function openIntentStore(connection: NatsConnection, app: string, clock: Clock): Promise<IntentStore> {
  const opening = new Kvm(jetstream(connection, { timeout: OPEN_MS })).create(bucketName(app), { history: 5 });
  const kv = await within(clock, OPEN_MS, opening).catch((error: unknown) => {
    throw unreachable(app, error);
  });
  if (kv === "expired") throw unreachable(app, undefined);
  return new IntentStore(kv, clock);
}

export class IntentStore {
  private readonly kv: KV;
  private readonly clock: Clock;
  private readonly ends = new Map<string, Timer>();
  private stopWatch: (() => void) | undefined;

  constructor(kv: KV, clock: Clock) {
    this.kv = kv;
    this.clock = clock;
  }

  /** Call back for every intent there is, then for every change. Resolves when all that there is has been told. */
  async follow(onIntent: OnIntent): Promise<void> {
    const keys: string[] = [];
    for await (const key of await this.kv.keys()) keys.push(key);
    for (const key of keys) {
      const entry = await this.kv.get(key);
      if (entry !== null)
        this.tell(entry.key, entry.operation === "PUT" ? entry.string() : undefined, entry.revision, onIntent);
    }
    const watch = await this.kv.watch();
    this.stopWatch = () => watch.stop();
    void (async () => {
      for await (const { key, operation, revision, value } of watch) {
        this.tell(key, operation === "PUT" ? Buffer.from(value).toString("utf8") : undefined, revision, onIntent);
      }
    })();
  }

  /** Resolves with the revision that replicas must have applied. */
  async disable(name: string, intent: Intent): Promise<number> {
    return this.kv.put(name, JSON.stringify(intent));
  }

  /** Resolves with the revision that replicas must have applied; undefined when the operator had not disabled it. */
  async enable(name: string): Promise<number | undefined> {
    const entry = await this.kv.get(name);
    if (entry === null || entry.operation !== "PUT") return undefined;
    await this.kv.delete(name);
    const { streamInfo } = await this.kv.status();
    return streamInfo.state.last_seq;
  }

  /** Intents in force, by handler name. */
  async list(): Promise<Map<string, Intent>> {
    const found = new Map<string, Intent>();
    for await (const key of await this.kv.keys()) {
      const entry = await this.kv.get(key);
      if (entry?.operation === "PUT") found.set(key, entry.json<Intent>());
    }
    return found;
  }

  close(): void {
    this.stopWatch?.();
    for (const timer of this.ends.values()) timer.cancel();
    this.ends.clear();
  }

  private tell(name: string, text: string | undefined, revision: number, onIntent: OnIntent): void {
    this.ends.get(name)?.cancel();
    this.ends.delete(name);
    const intent = text === undefined ? undefined : readIntent(text);
    const leftMs = intent?.untilMs === undefined ? undefined : intent.untilMs - this.clock.nowMs();
    if (intent === undefined || (leftMs !== undefined && leftMs <= 0)) return onIntent(name, undefined, revision);
    onIntent(name, { source: "operator", ...intent, untilMs: intent.untilMs }, revision);
    if (leftMs === undefined) return;
    // I2.
    const end = this.clock.after(leftMs, () => {
      onIntent(name, undefined, revision);
      this.kv.delete(name, { previousSeq: revision }).catch(() => undefined); // Another replica was first.
    });
    this.ends.set(name, end);
  }
}

/** Something unreadable in the bucket is a handler turned off by someone we do not understand: off is the safe reading. */
function readIntent(text: string): Intent {
  try {
    return JSON.parse(text) as Intent;
  } catch {
    return { by: "unknown", reason: `unreadable intent ${JSON.stringify(text.slice(0, 100))}`, sinceMs: 0, now: false };
  }
}

function unreachable(app: string, cause: unknown): RuntimeError {
  const why = cause instanceof Error ? `: ${cause.message}` : ` within ${OPEN_MS} ms`;
  return new RuntimeError(
    "NATS_UNREACHABLE",
    `the bucket "${bucketName(app)}" that says which handlers are disabled does not answer${why}`,
    {
      cause,
      remedy:
        "The runtime does not start rather than serve what was turned off. Check JetStream and the permissions of this connection.",
    },
  );
}
