// What a replica answers about its handlers, and does with them, when somebody asks.

import type { Clock } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { connectionsOf } from "../process-connections.ts";
import type { Supervisor } from "../supervise/supervisor.ts";
import type {
  CancelReply,
  CancelRequest,
  ConnectionsReply,
  ConnectionsRequest,
  ContractReply,
  ContractRequest,
  HandlerConnections,
  InvokeReply,
  InvokeRequest,
  ReloadedHandler,
  ReloadReply,
  ReloadRequest,
  ReplicaInfo,
  ReportedHandler,
  RunningReply,
  RunningRequest,
  StatusReply,
} from "./control-protocol.ts";
import type { LastErrors } from "./last-errors.ts";
import { reportedError, reportedHandler } from "./reported.ts";
import { runningNow } from "./running-now.ts";
import { splitAnswer } from "./split-answer.ts";

export interface HandlerAnswersOptions {
  readonly app: string;
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly lastErrors: LastErrors;
}

/** Those that may be long come in parts. What rejects is a RuntimeError for whoever asked. */
export class HandlerAnswers {
  private readonly replica: ReplicaInfo;
  private readonly options: HandlerAnswersOptions;

  constructor(replica: ReplicaInfo, options: HandlerAnswersOptions) {
    this.replica = replica;
    this.options = options;
  }

  status(): StatusReply[] {
    const handlers = this.options.supervisor.status().map((status): ReportedHandler => {
      const lastError = this.options.lastErrors.of(status.name);
      return { ...reportedHandler(status), ...(lastError === undefined ? {} : { lastError }) };
    });
    const nowMs = this.options.serverClock.nowMs();
    return splitAnswer(handlers).map((part) => ({ replica: this.replica, handlers: part, nowMs }));
  }

  async reload({ names }: ReloadRequest): Promise<ReloadReply> {
    const { supervisor } = this.options;
    const known = new Set(supervisor.status().map(({ name }) => name));
    const reloaded = await Promise.all(names.filter((name) => known.has(name)).map((name) => this.reloadOne(name)));
    return { replica: this.replica, reloaded };
  }

  private async reloadOne(name: string): Promise<ReloadedHandler> {
    const { supervisor, clock } = this.options;
    const startedAtMs = clock.monotonicMs();
    await supervisor.reload(name, { force: true });
    const status = supervisor.status().find((handler) => handler.name === name);
    const { state = "stopped", version, lastFailure } = status ?? {};
    return {
      name,
      state,
      tookMs: clock.monotonicMs() - startedAtMs,
      ...(version === undefined ? {} : { version }),
      ...(lastFailure === undefined ? {} : { error: reportedError(lastFailure) }),
    };
  }

  async invoke({ name, data, headers }: InvokeRequest): Promise<InvokeReply> {
    const { supervisor, clock } = this.options;
    const startedAtMs = clock.monotonicMs();
    const invoked = await supervisor.invoke(name, Buffer.from(data, "base64"), headers);
    if (invoked === undefined)
      throw new RuntimeError("HANDLER_NOT_FOUND", `there is no handler "${name}"`, { handler: name });
    const { outcome, chunks, error } = invoked;
    const last = outcome.kind === "returned" && outcome.reply !== undefined ? [outcome.reply] : [];
    // The last reply of a generator is empty.
    const replies = chunks.length > 0 ? chunks : last;
    return {
      replica: this.replica,
      outcome: outcome.kind,
      tookMs: clock.monotonicMs() - startedAtMs,
      replies: replies.map((reply) => Buffer.from(reply).toString("base64")),
      ...(error === undefined ? {} : { error: reportedError(error) }),
    };
  }

  async contract({ name }: ContractRequest): Promise<ContractReply> {
    return { replica: this.replica, ...(await this.options.supervisor.describe(name)) };
  }

  running({ names }: RunningRequest): RunningReply[] {
    const { supervisor, app } = this.options;
    const all = supervisor.running().filter(({ handler }) => names.length === 0 || names.includes(handler));
    const { running, unsaid } = runningNow(app, all);
    const said = unsaid === 0 ? {} : { unsaid };
    return splitAnswer(running).map((part, at) => ({
      replica: this.replica,
      running: part,
      ...(at === 0 ? said : {}),
    }));
  }

  async connections({ names }: ConnectionsRequest): Promise<ConnectionsReply[]> {
    const status = this.options.supervisor.status().filter(({ name }) => names.length === 0 || names.includes(name));
    // A process that several share has its connections once.
    const sharing = Map.groupBy(status, ({ name, pids }) => pids.join() || name);
    const owners = [...sharing.values()].map((own) => [own.map(({ name }) => name).join(", "), own[0]!.pids] as const);
    const pids = new Map(owners);
    const found = await connectionsOf(pids);
    const all = [...(found ?? [])].flatMap(([handler, open]) =>
      open.map((one): HandlerConnections => ({ handler, processes: pids.get(handler)?.length ?? 0, ...one })),
    );
    const known = found === undefined ? { isUnknown: true } : {};
    return splitAnswer(all).map((connections) => ({ replica: this.replica, connections, ...known }));
  }

  async cancel({ handler, id, by }: CancelRequest): Promise<CancelReply> {
    const ended = this.options.supervisor.cancel(handler, id, by);
    await ended;
    return { replica: this.replica, end: ended === undefined ? "not-running" : "cancelled" };
  }
}
