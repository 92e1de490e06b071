// The other end: asks the replicas of an app, from anywhere with NATS access.

import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import {
  type Answer,
  type AppliedReply,
  type AppliedRequest,
  type ControlVerb,
  controlSubject,
  type InvokeReply,
  type InvokeRequest,
  type LogLine,
  type LogsReply,
  type LogsRequest,
  type ReloadReply,
  type ReplicaInfo,
  type StatusReply,
} from "./control-protocol.ts";
import type { IntentMark } from "./intent-store.ts";

/** Replicas answer within milliseconds; after this long without a further answer, all have spoken. */
const STALL_MS = 300;
const LONGEST_MS = 3_000;
/** Beyond what a replica itself takes to answer. */
const SLACK_MS = 1_000;
const LEASE_MS = 10_000;

export interface Asked<Reply> {
  readonly replies: readonly Reply[];
  /** Of the replicas asked by name, those that have not answered. */
  readonly silent: readonly ReplicaInfo[];
}

interface PastLines {
  readonly lines: readonly LogLine[];
  readonly next: Promise<IteratorResult<Msg>>;
}

interface AskOptions {
  readonly longestMs: number;
  /** Answers are awaited from these; without them, until none has come for a while. */
  readonly from?: readonly ReplicaInfo[];
}

export class ControlClient {
  private readonly connection: NatsConnection;
  private readonly app: string;
  private readonly inboxPrefix: string | undefined;
  private readonly clock: Clock;

  constructor(connection: NatsConnection, app: string, inboxPrefix: string | undefined, clock: Clock) {
    this.connection = connection;
    this.app = app;
    this.inboxPrefix = inboxPrefix;
    this.clock = clock;
  }

  /** What every replica says, in the order they were started; empty when none runs. `from`: do not wait for others. */
  async status(from?: readonly ReplicaInfo[]): Promise<StatusReply[]> {
    const options = from === undefined || from.length === 0 ? {} : { from };
    const { replies } = await this.ask<StatusReply>("status", {}, { longestMs: LONGEST_MS, ...options });
    const merged = new Map<string, StatusReply>();
    for (const { replica, handlers = [] } of replies) {
      const before = merged.get(replica.instance)?.handlers ?? [];
      merged.set(replica.instance, { replica, handlers: [...before, ...handlers] });
    }
    return [...merged.values()].sort((a, b) => a.replica.startedAtMs - b.replica.startedAtMs);
  }

  /** Build and bring up again on these replicas. Resolves when all have, or after `limitMs` with those that have. */
  reload(names: readonly string[], from: readonly ReplicaInfo[], limitMs: number): Promise<Asked<ReloadReply>> {
    return this.ask<ReloadReply>("reload", { names }, { longestMs: limitMs, from });
  }

  /**
   * Wait until these replicas act by the marks. Resolves with those that do and those that do not within `limitMs`
   * milliseconds.
   */
  async applied(
    marks: readonly IntentMark[],
    from: readonly ReplicaInfo[],
    limitMs: number,
  ): Promise<{ done: ReplicaInfo[]; late: ReplicaInfo[] }> {
    const request: AppliedRequest = { marks, waitMs: limitMs };
    const asked = await this.ask<AppliedReply>("applied", request, { longestMs: limitMs + SLACK_MS, from });
    const isDone = (reply: AppliedReply) => reply.refusal === undefined && reply.waiting.length === 0;
    const done = asked.replies.filter(isDone).map(({ replica }) => replica);
    const late = asked.replies.filter((reply) => !isDone(reply)).map(({ replica }) => replica);
    return { done, late: [...late, ...asked.silent] };
  }

  /** Run a handler by hand in one replica, whether it is enabled or not. Rejects with HANDLER_NOT_FOUND or NATS_UNREACHABLE. */
  async invoke(request: InvokeRequest, timeoutMs: number): Promise<InvokeReply> {
    const reply = await this.connection
      .request(controlSubject(this.app, "invoke"), JSON.stringify(request), { timeout: timeoutMs })
      .catch((cause: unknown) => {
        throw noRuntime(this.app, cause);
      });
    return reply.json<InvokeReply>();
  }

  /** The last lines of all replicas in the order of time; then, with `follow`, new ones as they come until `signal` aborts. */
  async *logs(request: Omit<LogsRequest, "leaseMs">, follow: boolean, signal: AbortSignal): AsyncGenerator<LogLine> {
    const inbox = createInbox(this.inboxPrefix);
    const subscription = this.connection.subscribe(inbox);
    const end = () => subscription.unsubscribe();
    signal.addEventListener("abort", end, { once: true });
    const ask = (last: number) => {
      const lease: LogsRequest = { ...request, last, leaseMs: follow ? LEASE_MS : 0 };
      this.connection.publish(controlSubject(this.app, "logs"), JSON.stringify(lease), { reply: inbox });
    };
    ask(request.last);
    const renewal = follow ? this.clock.every(LEASE_MS / 2, () => ask(0)) : undefined;
    const waiting = subscription[Symbol.asyncIterator]();
    try {
      const { lines, next } = await this.pastLines(waiting);
      yield* lines;
      if (!follow) return;
      for (let message = await next; message.done !== true; message = await waiting.next()) yield* linesOf(message);
    } finally {
      signal.removeEventListener("abort", end);
      renewal?.cancel();
      end();
    }
  }

  /** Until none has come for a while. The answer awaited in vain is the first of the new ones. */
  private async pastLines(waiting: AsyncIterator<Msg>): Promise<PastLines> {
    const lines: LogLine[] = [];
    for (;;) {
      const next = waiting.next();
      const message = await within(this.clock, STALL_MS, next);
      if (message === "expired" || message.done === true) {
        lines.sort((a, b) => a.timeMs - b.timeMs);
        return { lines, next };
      }
      lines.push(...linesOf(message));
    }
  }

  private async ask<Reply extends Answer>(verb: ControlVerb, request: object, options: AskOptions) {
    const inbox = createInbox(this.inboxPrefix);
    const subscription = this.connection.subscribe(inbox);
    const missing = new Map(options.from?.map((replica) => [replica.instance, replica]));
    try {
      if (options.from?.length === 0) return { replies: [], silent: [] };
      this.connection.publish(controlSubject(this.app, verb), JSON.stringify(request), { reply: inbox });
      const replies = await this.collect<Reply>(subscription, options, missing);
      return { replies, silent: [...missing.values()] };
    } finally {
      subscription.unsubscribe();
    }
  }

  private async collect<Reply extends Answer>(
    subscription: Subscription,
    { longestMs, from }: AskOptions,
    missing: Map<string, ReplicaInfo>,
  ): Promise<Reply[]> {
    const replies: Reply[] = [];
    const end = () => subscription.unsubscribe();
    const limit = this.clock.after(longestMs, end);
    let stall: Timer | undefined;
    for await (const message of subscription) {
      if (isNobody(message)) break;
      const reply = message.json<Reply>();
      replies.push(reply);
      if (reply.more !== true) missing.delete(reply.replica.instance);
      if (from !== undefined && missing.size === 0) break;
      stall?.cancel();
      if (from === undefined) stall = this.clock.after(STALL_MS, end);
    }
    limit.cancel();
    stall?.cancel();
    return replies;
  }
}

/** The server's own answer when no replica listens. */
function isNobody({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === 503;
}

function linesOf({ value, done }: { value?: Msg; done?: boolean }): readonly LogLine[] {
  if (done === true || value === undefined || isNobody(value)) return [];
  return value.json<LogsReply>().lines ?? [];
}

/** For commands that make no sense without one. */
export function noRuntime(app: string, cause?: unknown): RuntimeError {
  return new RuntimeError("NATS_UNREACHABLE", `no runtime of app "${app}" answers`, {
    cause,
    remedy: "Start one with `handlers dev` or `handlers start`, or name another app with --app.",
  });
}
