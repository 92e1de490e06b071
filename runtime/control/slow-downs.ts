// One replica's handler has been told to go slower: the others hear of it, and pause theirs as well. A word that is lost costs
// little: whoever goes on is told the same.

import type { NatsConnection } from "@nats-io/transport-node";
import { LONGEST_PAUSE_MS, type SlowDowns, type SlowDownWords } from "../message/slow-down.ts";
import { readMessageKey } from "../metadata/message-key.ts";
import type { StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { controlSubject } from "./control-protocol.ts";

export interface ReplicaSlowDownsOptions {
  readonly connection: NatsConnection;
  readonly subscriptions: StandingSubscriptions;
  readonly app: string;
  readonly instance: string;
}

interface Told extends SlowDownWords {
  readonly handler: string;
  /** Who says so. */
  readonly instance: string;
}

type Heard = (words: SlowDownWords) => void;

/** What handlers publish their word on. */
export function slowDownSubject(app: string): string {
  return controlSubject(app, "slow-down");
}

export class ReplicaSlowDowns implements SlowDowns {
  private readonly options: ReplicaSlowDownsOptions;
  private readonly subscription: StandingSubscription;
  private readonly watching = new Map<string, Set<Heard>>();

  constructor(options: ReplicaSlowDownsOptions) {
    this.options = options;
    this.subscription = options.subscriptions.subscribe(slowDownSubject(options.app), {
      onMessage: (message) => this.heard(message.string()),
      // Told of the commands of operators, which come by the same right.
      onRefused: () => undefined,
      onGranted: () => undefined,
    });
  }

  tell(handler: string, { delayMs, why, only }: SlowDownWords): void {
    const { connection, app, instance } = this.options;
    const told: Told = { handler, delayMs, why, only, instance };
    if (!connection.isClosed() && !connection.isDraining())
      connection.publish(slowDownSubject(app), JSON.stringify(told));
  }

  watch(handler: string, heard: Heard): () => void {
    const all = this.watching.get(handler) ?? new Set();
    this.watching.set(handler, all.add(heard));
    return () => {
      all.delete(heard);
      if (all.size === 0 && this.watching.get(handler) === all) this.watching.delete(handler);
    };
  }

  close(): Promise<void> {
    return this.subscription.close();
  }

  /** Whoever may control the app may say anything. */
  private heard(text: string): void {
    const told = toldIn(text);
    if (told === undefined || told.instance === this.options.instance) return;
    for (const heard of this.watching.get(told.handler) ?? []) heard(told);
  }
}

function toldIn(text: string): Told | undefined {
  try {
    const { handler, delayMs, why, only, instance } = JSON.parse(text) as Partial<Told>;
    if (typeof handler !== "string" || typeof why !== "string" || typeof delayMs !== "number") return undefined;
    if (!(delayMs > 0)) return undefined;
    const told = { handler, delayMs: Math.min(delayMs, LONGEST_PAUSE_MS), why, instance: String(instance) };
    if (only === undefined) return told;
    const read = readMessageKey(only.key);
    if ("problem" in read || typeof only.value !== "string") return undefined;
    return { ...told, only: { key: read.value, value: only.value } };
  } catch {
    return undefined; // Not of ours.
  }
}
