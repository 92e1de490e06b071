// What was seen of messages while somebody watched: how a delivery ended, what a handler published or requested meanwhile,
// and what it logged. As JSON, from a replica to whoever watches.

import type { OutcomeKind } from "../message/outcome.ts";
import type { Answer, ReportedError } from "./control-protocol.ts";

interface SeenHow {
  /** Counts up in its replica. */
  readonly number: number;
  /** By the replica's clock. */
  readonly atMs: number;
  readonly handler: string;
  /** Of the delivery. */
  readonly id: string;
}

/** A payload, the end of a long one left out. Absent: it was not asked for, or there was no room for it. */
interface Content {
  readonly bytes: number;
  /** Base64. */
  readonly data?: string;
}

/** A delivery that has ended. */
export interface SeenRun extends SeenHow {
  readonly kind: "run";
  readonly version: string;
  readonly subject: string;
  /** What its message is called (message/origin.ts). */
  readonly origin: string;
  readonly attempt: number;
  readonly outcome: OutcomeKind;
  readonly tookMs: number;
  readonly waitedMs: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly payload: Content;
  readonly reply?: Content;
  readonly error?: ReportedError;
  readonly stack?: string;
  /** What was done with the message, in words. */
  readonly settled?: string;
  /** It comes again. */
  readonly retryInMs?: number;
}

/** A publish or a request of a handler. */
export interface SeenCall extends SeenHow {
  readonly kind: "call";
  readonly verb: "publish" | "request";
  readonly subject: string;
  /** What the message is called that it made. */
  readonly origin: string;
  readonly payload: Content;
  /** When it is to leave; absent: at once. */
  readonly leavesAtMs?: number;
}

/** What became of a call that went wrong. */
export interface SeenRefusal extends SeenHow {
  readonly kind: "refusal";
  readonly origin: string;
  readonly problem: string;
}

/** A line of the log, written while the message was handled. */
export interface SeenLine extends SeenHow {
  readonly kind: "line";
  readonly attempt?: number;
  readonly level: string;
  readonly text: string;
  readonly fields?: string;
}

export type Seen = SeenRun | SeenCall | SeenRefusal | SeenLine;

/** Where each of them is distinct, whatever kind it has. */
type Distributed<T> = T extends Seen ? Omit<T, "number" | "atMs"> : never;

export type NewSeen = Distributed<Seen>;

/** For whoever may not see payloads. */
export function withoutContent(seen: Seen): Seen {
  if (seen.kind === "run") {
    const { reply, payload, ...rest } = seen;
    return {
      ...rest,
      payload: { bytes: payload.bytes },
      ...(reply === undefined ? {} : { reply: { bytes: reply.bytes } }),
    };
  }
  return seen.kind === "call" ? { ...seen, payload: { bytes: seen.payload.bytes } } : seen;
}

/** What one of them costs to keep, roughly. */
export function weightOf(seen: Seen): number {
  if (seen.kind === "line") return FIXED + seen.text.length + (seen.fields?.length ?? 0);
  if (seen.kind === "refusal") return FIXED + seen.problem.length;
  const payload = seen.payload.data?.length ?? 0;
  if (seen.kind === "call") return FIXED + payload;
  const { headers, reply, stack = "", error } = seen;
  const texts = stack.length + (error?.message.length ?? 0) + (error?.frame?.length ?? 0);
  return headers.reduce((sum, [, value]) => sum + value.length, FIXED + payload + texts + (reply?.data?.length ?? 0));
}

const FIXED = 600;

/** Asks to be sent what happens to messages for `leaseMs`, to the reply subject. Asked again to go on. */
export interface MessagesRequest {
  readonly payloads: boolean;
  /** Also what was seen before, where it is kept. */
  readonly past: boolean;
  readonly leaseMs: number;
}

export interface ToldSeen {
  readonly seen: readonly Seen[];
  /** How many deliveries more there were of which handlers, that were not recorded as it went too fast. */
  readonly missed?: Readonly<Record<string, number>>;
}

export type MessagesReply = Answer & ToldSeen;
