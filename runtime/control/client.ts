// The other end: asks the replicas of an app, from anywhere with NATS access.

import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import {
  type AppliedReply,
  type ControlVerb,
  controlSubject,
  type InvokeReply,
  type InvokeRequest,
  type LogLine,
  type LogsRequest,
  type ReloadReply,
  type ReplicaInfo,
  type StatusReply,
} from "./control-protocol.ts";

/** Replicas answer within milliseconds; after this long without a further answer, all have spoken. */
const STALL_MS = 300;
const LONGEST_MS = 3_000;
const RELOAD_MS = 30_000;
const POLL_MS = 50;
const LEASE_MS = 10_000;

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

  /** What every replica says; empty when none runs. */
  status(): Promise<StatusReply[]> {
    return this.askAll<StatusReply>("status", {}, LONGEST_MS);
  }

  /** Build and bring up again on every replica. Resolves when all have, or after 30 s with those that have. */
  async reload(names: readonly string[]): Promise<ReloadReply[]> {
    const replicas = await this.askAll<AppliedReply>("applied", {}, LONGEST_MS);
    if (replicas.length === 0) return [];
    return this.askAll<ReloadReply>("reload", { names }, RELOAD_MS, replicas.length);
  }

  /**
   * Wait until every replica acts by the intents of that revision. Resolves with those that have and those that have
   * not within `limitMs` milliseconds.
   */
  async applied(revision: number, limitMs: number): Promise<{ done: ReplicaInfo[]; late: ReplicaInfo[] }> {
    const untilMs = this.clock.monotonicMs() + limitMs;
    for (;;) {
      const replies = await this.askAll<AppliedReply>("applied", {}, LONGEST_MS);
      const done = replies.filter((reply) => reply.revision >= revision).map(({ replica }) => replica);
      const late = replies.filter((reply) => reply.revision < revision).map(({ replica }) => replica);
      if (late.length === 0 || this.clock.monotonicMs() >= untilMs) return { done, late };
      await delay(this.clock, POLL_MS);
    }
  }

  /** Run a handler by hand in one replica, whether it is enabled or not. Rejects with HANDLER_NOT_FOUND or NATS_UNREACHABLE. */
  async invoke(request: InvokeRequest, timeoutMs: number): Promise<InvokeReply> {
    const reply = await this.connection
      .request(controlSubject(this.app, "invoke"), JSON.stringify(request), { timeout: timeoutMs })
      .catch((error: unknown) => {
        throw nobodyThere(this.app, error);
      });
    const answer = reply.json<InvokeReply>();
    if (answer.outcome === undefined && answer.error !== undefined) {
      throw new RuntimeError(answer.error.code as "HANDLER_NOT_FOUND", answer.error.message);
    }
    return answer;
  }

  /** The last lines and, with `follow`, the new ones until `signal` aborts. */
  async *logs(names: readonly string[], last: number, follow: boolean, signal: AbortSignal): AsyncGenerator<LogLine> {
    const inbox = createInbox(this.inboxPrefix);
    const subscription = this.connection.subscribe(inbox);
    signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
    const ask = (count: number) => {
      const request: LogsRequest = { names, last: count, leaseMs: follow ? LEASE_MS : 0 };
      this.connection.publish(controlSubject(this.app, "logs"), JSON.stringify(request), { reply: inbox });
    };
    ask(last);
    const renewal = follow ? this.clock.every(LEASE_MS / 2, () => ask(0)) : undefined;
    const end = follow ? undefined : this.clock.after(STALL_MS, () => subscription.unsubscribe());
    try {
      for await (const message of subscription) yield* message.json<LogLine[]>();
    } finally {
      renewal?.cancel();
      end?.cancel();
    }
  }

  private async askAll<Reply>(
    verb: ControlVerb,
    request: object,
    longestMs: number,
    expected?: number,
  ): Promise<Reply[]> {
    const replies: Reply[] = [];
    try {
      const subject = controlSubject(this.app, verb);
      const options =
        expected === undefined
          ? { strategy: "stall" as const, stall: STALL_MS, maxWait: longestMs }
          : { strategy: "count" as const, maxMessages: expected, maxWait: longestMs };
      for await (const message of await this.connection.requestMany(subject, JSON.stringify(request), options)) {
        replies.push(message.json<Reply>());
      }
    } catch {
      return replies; // Nobody listens: no replica runs, which is what an empty answer says.
    }
    return replies;
  }
}

function nobodyThere(app: string, cause: unknown): RuntimeError {
  return new RuntimeError("NATS_UNREACHABLE", `no runtime of app "${app}" answers`, {
    cause,
    remedy: "Start one with `handlers dev` or `handlers start`, or name another app with --app.",
  });
}
