// The other end: asks the replicas of an app, from anywhere with NATS access.

import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import {
  type Answer,
  type AppliedReply,
  type AppliedRequest,
  type CancelReply,
  type CancelRequest,
  type ConnectionsReply,
  type ConnectionsRequest,
  type ContractReply,
  type ContractRequest,
  type ControlVerb,
  controlSubject,
  controlSubjectOf,
  type HandlerConnections,
  type InvokeReply,
  type InvokeRequest,
  type LogLine,
  type LogsReply,
  type LogsRequest,
  type ReloadReply,
  type ReplicaInfo,
  type RunningMessage,
  type RunningReply,
  type RunningRequest,
  type StatusReply,
  type ToldReply,
  type ToldRequest,
} from "./control-protocol.ts";
import type { IntentMark } from "./intent.ts";
import { knownWatchers, silentAmong } from "./intent-watchers.ts";

/** Replicas answer within milliseconds; after this long without a further answer, all have spoken. */
const STALL_MS = 300;
const LONGEST_MS = 3_000;
/** Beyond what a replica itself takes to answer. */
const SLACK_MS = 1_000;
/** How often it is looked who of those awaited is still there, and how long one that is may take to say so. */
const LOOK_MS = 1_000;
const PRESENCE_MS = 1_000;
const LEASE_MS = 10_000;
/** It is built and loaded. */
const CONTRACT_MS = 20_000;
/** A handler has some seconds to let go before its worker is ended. */
const CANCEL_MS = 30_000;

export interface Asked<Reply> {
  readonly replies: readonly Reply[];
  /** Of the replicas asked by name, those that are there and have not answered. */
  readonly silent: readonly ReplicaInfo[];
  /** Those that went away meanwhile: killed, or told to stop. */
  readonly gone: readonly ReplicaInfo[];
}

/** Who acts by the intents they were asked to act by. */
export interface Applied {
  readonly done: readonly ReplicaInfo[];
  readonly late: readonly ReplicaInfo[];
  /** They went away meanwhile, and have nothing left to apply. */
  readonly gone: readonly ReplicaInfo[];
}

export interface RunningAnywhere {
  readonly running: readonly (RunningMessage & { readonly replica: ReplicaInfo })[];
  /** So many more run. */
  readonly unsaid: number;
}

export interface ConnectionsAnywhere {
  readonly connections: readonly (HandlerConnections & { readonly replica: ReplicaInfo })[];
  /** Whose system does not tell. */
  readonly unknown: readonly ReplicaInfo[];
}

interface PastLines {
  readonly lines: readonly LogLine[];
  readonly next: Promise<IteratorResult<Msg>>;
}

interface AskOptions {
  readonly longestMs: number;
  /** Answers are awaited from these; without them, until none has come for a while. */
  readonly from?: readonly ReplicaInfo[];
  /** Those that go away are not awaited any longer. */
  readonly untilGone?: boolean;
  /** Once all of these have answered nobody else is awaited; none of them: nothing is known of who is there. */
  readonly present?: Promise<readonly ReplicaInfo[]>;
}

/** The replicas whose answers are awaited. */
interface Awaited {
  readonly missing: Map<string, ReplicaInfo>;
  readonly gone: ReplicaInfo[];
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

  /**
   * What every replica says, in the order they were started; empty when none runs. `from`: do not wait for others.
   * `present`: nor once all of these have answered.
   */
  async status(from?: readonly ReplicaInfo[], present?: Promise<readonly ReplicaInfo[]>): Promise<StatusReply[]> {
    const options = from === undefined || from.length === 0 ? present && { present } : { from };
    const { replies } = await this.ask<StatusReply>(
      "status",
      {},
      { longestMs: LONGEST_MS, untilGone: true, ...options },
    );
    const merged = new Map<string, StatusReply>();
    for (const { handlers = [], ...reply } of replies) {
      const before = merged.get(reply.replica.instance)?.handlers ?? [];
      merged.set(reply.replica.instance, { ...reply, handlers: [...before, ...handlers] });
    }
    return [...merged.values()].sort((a, b) => a.replica.startedAtMs - b.replica.startedAtMs);
  }

  /** Build and bring up again on these replicas. Resolves when all have, or after `limitMs` with those that have. */
  reload(names: readonly string[], from: readonly ReplicaInfo[], limitMs: number): Promise<Asked<ReloadReply>> {
    return this.ask<ReloadReply>("reload", { names }, { longestMs: limitMs, from, untilGone: true });
  }

  /**
   * Wait until these replicas act by the marks, of which `texts` are the intents. Resolves with those that do and those that do
   * not within `limitMs` milliseconds.
   */
  async applied(
    marks: readonly IntentMark[],
    texts: readonly string[],
    from: readonly ReplicaInfo[],
    limitMs: number,
  ): Promise<Applied> {
    const request: AppliedRequest = { marks, texts, waitMs: limitMs };
    const options = { longestMs: limitMs + SLACK_MS, from, untilGone: true };
    const asked = await this.ask<AppliedReply>("applied", request, options);
    const isDone = (reply: AppliedReply) => reply.refusal === undefined && reply.waiting.length === 0;
    const done = asked.replies.filter(isDone).map(({ replica }) => replica);
    const late = asked.replies.filter((reply) => !isDone(reply)).map(({ replica }) => replica);
    return { done, late: [...late, ...asked.silent], gone: asked.gone };
  }

  /**
   * Have these replicas act by intents that the bucket does not take now, and write them down when it does. Resolves with
   * those that act by them and, as `silent`, those that have not said so within `limitMs` milliseconds.
   */
  async tell(
    intents: ToldRequest["intents"],
    from: readonly ReplicaInfo[],
    limitMs: number,
  ): Promise<Asked<ToldReply>> {
    const request: ToldRequest = { intents };
    const asked = await this.ask<ToldReply>("told", request, { longestMs: limitMs, from, untilGone: true });
    const refused = asked.replies.filter(({ refusal }) => refusal !== undefined).map(({ replica }) => replica);
    const replies = asked.replies.filter(({ refusal }) => refusal === undefined);
    return { replies, silent: [...asked.silent, ...refused], gone: asked.gone };
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

  /** What a handler takes and publishes: one replica loads it to tell, any or this one. Rejects with NATS_UNREACHABLE. */
  async contract(name: string, instance?: string): Promise<ContractReply> {
    const request: ContractRequest = { name };
    const { app } = this;
    const subject =
      instance === undefined ? controlSubject(app, "contract") : controlSubjectOf(app, "contract", instance);
    const reply = await this.connection
      .request(subject, JSON.stringify(request), { timeout: CONTRACT_MS })
      .catch((cause: unknown) => {
        throw noRuntime(this.app, cause);
      });
    return reply.json<ContractReply>();
  }

  /** What runs on every replica, longest first; `names` narrows it. */
  async running(names: readonly string[], present?: Promise<readonly ReplicaInfo[]>): Promise<RunningAnywhere> {
    const options = { longestMs: LONGEST_MS, ...(present && { present }) };
    const { replies } = await this.ask<RunningReply>("running", { names } satisfies RunningRequest, options);
    // A replica of an older version knows no such question, and does not answer it.
    const running = replies.flatMap(({ replica, running: each = [] }) => each.map((one) => ({ ...one, replica })));
    return {
      running: running.sort((a, b) => b.ranMs - a.ranMs),
      unsaid: replies.reduce((sum, { unsaid = 0 }) => sum + unsaid, 0),
    };
  }

  /** What the processes of handlers are connected to, on every replica; `names` narrows it. */
  async connections(names: readonly string[], present?: Promise<readonly ReplicaInfo[]>): Promise<ConnectionsAnywhere> {
    const options = { longestMs: LONGEST_MS, ...(present && { present }) };
    const { replies } = await this.ask<ConnectionsReply>(
      "connections",
      { names } satisfies ConnectionsRequest,
      options,
    );
    return {
      connections: replies.flatMap(({ replica, connections = [] }) => connections.map((one) => ({ ...one, replica }))),
      unknown: replies.filter(({ isUnknown = false }) => isUnknown).map(({ replica }) => replica),
    };
  }

  /** End a message that runs, for good. Resolves when it has ended on one replica, or none of these runs it. */
  async cancel(request: CancelRequest, from: readonly ReplicaInfo[]): Promise<CancelReply["end"] | "silent"> {
    const asked = await this.ask<CancelReply>("cancel", request, { longestMs: CANCEL_MS, from, untilGone: true });
    if (asked.replies.some(({ end }) => end === "cancelled")) return "cancelled";
    return asked.silent.length > 0 ? "silent" : "not-running";
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

  /** Whoever acts by the intents watches them, and says so when asked: a replica that does neither has gone. */
  private async goneAmong(replicas: readonly ReplicaInfo[]): Promise<readonly ReplicaInfo[]> {
    const watchers = await knownWatchers(this.connection, this.app);
    if (watchers === undefined) return [];
    const nothing: AppliedRequest = { marks: [], waitMs: 0 };
    const from = silentAmong(replicas, watchers);
    return (await this.ask<AppliedReply>("applied", nothing, { longestMs: PRESENCE_MS, from })).silent;
  }

  private async ask<Reply extends Answer>(
    verb: ControlVerb,
    request: object,
    options: AskOptions,
  ): Promise<Asked<Reply>> {
    const inbox = createInbox(this.inboxPrefix);
    const subscription = this.connection.subscribe(inbox);
    const awaited: Awaited = { missing: new Map(options.from?.map((one) => [one.instance, one])), gone: [] };
    try {
      if (options.from?.length === 0) return { replies: [], silent: [], gone: [] };
      this.connection.publish(controlSubject(this.app, verb), JSON.stringify(request), { reply: inbox });
      const replies = await this.collect<Reply>(subscription, options, awaited);
      return { replies, silent: [...awaited.missing.values()], gone: awaited.gone };
    } finally {
      subscription.unsubscribe();
    }
  }

  private async collect<Reply extends Answer>(
    subscription: Subscription,
    { longestMs, from, untilGone = false, present }: AskOptions,
    awaited: Awaited,
  ): Promise<Reply[]> {
    const { missing } = awaited;
    const replies: Reply[] = [];
    const end = () => subscription.unsubscribe();
    const limit = this.clock.after(longestMs, end);
    const looks = from && untilGone ? this.clock.every(LOOK_MS, () => void this.strikeGone(awaited, end)) : undefined;
    let stall: Timer | undefined;
    const heard = new Set<string>();
    let known: readonly ReplicaInfo[] = [];
    const allHeard = () => known.length > 0 && known.every(({ instance }) => heard.has(instance));
    void present?.then((replicas) => {
      known = replicas;
      if (allHeard()) end();
    });
    for await (const message of subscription) {
      if (isNobody(message)) break;
      const reply = message.json<Reply>();
      replies.push(reply);
      if (reply.more !== true) {
        missing.delete(reply.replica.instance);
        heard.add(reply.replica.instance);
        if (allHeard()) break;
      }
      if (from !== undefined && missing.size === 0) break;
      stall?.cancel();
      if (from === undefined) stall = this.clock.after(STALL_MS, end);
    }
    limit.cancel();
    looks?.cancel();
    stall?.cancel();
    return replies;
  }

  private async strikeGone({ missing, gone }: Awaited, end: () => void): Promise<void> {
    for (const replica of await this.goneAmong([...missing.values()])) {
      if (missing.delete(replica.instance)) gone.push(replica);
    }
    if (missing.size === 0) end();
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
