// The runtime's ear for control requests, and its memory of the operator's intents.
//
// K1  Answers come from every replica; one that is closing no longer answers.
// K2  A revision counts as applied once the handlers it concerns take no more messages (or take them again).

import { hostname } from "node:os";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { RuntimeError, toRuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { matchesAny } from "../supervise/name-filter.ts";
import type { Supervisor } from "../supervise/supervisor.ts";
import {
  type AppliedReply,
  type ControlVerb,
  controlSubject,
  type InvokeReply,
  type InvokeRequest,
  type LogLine,
  type LogsRequest,
  type ReloadReply,
  type ReloadRequest,
  type ReplicaInfo,
  type StatusReply,
} from "./control-protocol.ts";
import { type IntentStore, openIntentStore } from "./intent-store.ts";
import { LogTap } from "./log-tap.ts";
import { reportedError, reportedHandler } from "./reported.ts";

export interface ControlPlaneOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly instance: string;
  readonly supervisor: Supervisor;
  /** Messages of the stream that wait for a durable handler; undefined where that is not known. */
  readonly pending: (handler: string) => Promise<number | undefined>;
  readonly clock: Clock;
  readonly emit: Emit;
}

type Answer = (request: Msg) => Promise<object | undefined>;

export class ControlPlane {
  private readonly options: ControlPlaneOptions;
  private readonly replica: ReplicaInfo;
  private readonly tap: LogTap;
  private readonly subscriptions: Subscription[] = [];
  private store: IntentStore | undefined;
  private revision = 0;

  constructor(options: ControlPlaneOptions) {
    this.options = options;
    const { instance, clock, connection } = options;
    this.replica = { instance, host: hostname(), pid: process.pid, startedAtMs: clock.nowMs() };
    this.tap = new LogTap(clock, (to, lines) => connection.publish(to, JSON.stringify(lines)));
  }

  /** Learn what is disabled, before anything serves. Rejects with NATS_UNREACHABLE; see `openIntentStore`. */
  async loadIntents(): Promise<void> {
    const { connection, app, clock } = this.options;
    if (connection.info?.jetstream !== true) return this.tellNoBucket();
    this.store = await openIntentStore(connection, app, clock);
    await this.store.follow((name, disabled, revision) => void this.apply(name, disabled, revision));
  }

  /** Take requests. Resolves when the server has confirmed it. */
  async listen(): Promise<void> {
    this.on("status", () => this.status());
    this.on("applied", async (): Promise<AppliedReply> => ({ replica: this.replica, revision: this.revision }));
    this.on("reload", (request) => this.reload(request.json<ReloadRequest>()));
    this.on("invoke", (request) => this.invoke(request.json<InvokeRequest>()), `${this.options.app}.control`);
    this.on("logs", (request) => this.logs(request));
    await this.options.connection.flush();
  }

  /** A line of the log, for those who ask for it. */
  log(line: Omit<LogLine, "replica">): void {
    this.tap.add({ ...line, replica: this.replica.instance });
  }

  /** K1. */
  close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.store?.close();
  }

  private on(verb: ControlVerb, answer: Answer, queue?: string): void {
    const { connection, app } = this.options;
    const subscription = connection.subscribe(controlSubject(app, verb), {
      ...(queue === undefined ? {} : { queue }),
      // Never throws: a throw here would deafen the whole connection.
      callback: (error, request) => {
        if (error === null) void this.answer(request, answer);
      },
    });
    this.subscriptions.push(subscription);
  }

  private async answer(request: Msg, answer: Answer): Promise<void> {
    try {
      const reply = await answer(request);
      if (reply !== undefined) request.respond(JSON.stringify(reply));
    } catch (error) {
      const failure = reportedError(toRuntimeError(error, `control request on "${request.subject}"`));
      request.respond(JSON.stringify({ replica: this.replica, error: failure }));
    }
  }

  /** K2. */
  private async apply(...[name, disabled, revision]: Parameters<Parameters<IntentStore["follow"]>[0]>): Promise<void> {
    await this.options.supervisor.setOperatorIntent(name, disabled);
    this.revision = Math.max(this.revision, revision);
  }

  private async status(): Promise<StatusReply> {
    const handlers = await Promise.all(
      this.options.supervisor.status().map(async (status) => {
        const pending = status.kind === "durable" ? await this.options.pending(status.name) : undefined;
        return { ...reportedHandler(status), ...(pending === undefined ? {} : { pending }) };
      }),
    );
    return { replica: this.replica, handlers };
  }

  private async reload({ names }: ReloadRequest): Promise<ReloadReply> {
    const wanted = matchesAny(names);
    const known = this.options.supervisor.status().filter(({ name }) => wanted(name));
    await Promise.all(known.map(({ name }) => this.options.supervisor.reload(name)));
    const after = new Map(this.options.supervisor.status().map((status) => [status.name, status]));
    const reloaded = known.map(({ name }) => {
      const failure = after.get(name)?.lastFailure;
      return { name, ...(failure === undefined ? {} : { error: reportedError(failure) }) };
    });
    return { replica: this.replica, reloaded };
  }

  private async invoke({ name, data, headers }: InvokeRequest): Promise<InvokeReply> {
    const { supervisor, clock } = this.options;
    const startedAtMs = clock.monotonicMs();
    const invoked = await supervisor.invoke(name, Buffer.from(data, "base64"), headers);
    if (invoked === undefined)
      throw new RuntimeError("HANDLER_NOT_FOUND", `there is no handler "${name}"`, { handler: name });
    const { outcome, error } = invoked;
    const reply =
      outcome.kind === "returned" && outcome.reply !== undefined
        ? Buffer.from(outcome.reply).toString("base64")
        : undefined;
    return {
      replica: this.replica,
      outcome: outcome.kind,
      tookMs: clock.monotonicMs() - startedAtMs,
      ...(reply === undefined ? {} : { reply }),
      ...(error === undefined ? {} : { error: reportedError(error) }),
    };
  }

  private async logs(request: Msg): Promise<object | undefined> {
    const { names, last, leaseMs } = request.json<LogsRequest>();
    const matches = names.length === 0 ? () => true : matchesAny(names);
    if (request.reply) this.tap.lease(request.reply, matches, Math.min(leaseMs, 60_000));
    return this.tap.last(Math.min(last, 500), matches);
  }

  private tellNoBucket(): void {
    this.options.emit({
      type: "runtime.notice",
      level: "warn",
      message: "this NATS server has no JetStream: `handlers disable` cannot be remembered",
    });
  }
}
