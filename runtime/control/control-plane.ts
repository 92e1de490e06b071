// The runtime's ear for control requests, and its memory of the operator's intents.
//
// K1  Answers come from every replica; one that is closing no longer answers.
// K2  Whoever watches the intents also says when it has applied them: a replica that starts does so before the rest.

import { hostname } from "node:os";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { lacksJetStream } from "../bind/no-jetstream.ts";
import type { Clock } from "../clock.ts";
import { RuntimeError, toRuntimeError } from "../errors.ts";
import type { Emit, LogLevel } from "../events.ts";
import { matchesAny } from "../metadata/name-filter.ts";
import type { Disabled } from "../supervise/intent.ts";
import type { Supervisor } from "../supervise/supervisor.ts";
import { AppliedMarks } from "./applied-marks.ts";
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
  type ReloadedHandler,
  type ReloadReply,
  type ReloadRequest,
  type ReplicaInfo,
  type ReportedHandler,
  type StatusReply,
} from "./control-protocol.ts";
import { bounded, type IntentMark, openIntentStore } from "./intent-store.ts";
import { IntentWatch } from "./intent-watch.ts";
import { LastErrors } from "./last-errors.ts";
import { type LineFilter, LogTap } from "./log-tap.ts";
import { partsOf } from "./parts.ts";
import { reportedError, reportedHandler } from "./reported.ts";

export interface ControlPlaneOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly instance: string;
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly emit: Emit;
}

const LONGEST_WAIT_MS = 600_000;
const LONGEST_LEASE_MS = 60_000;
const MOST_LINES = 500;

export class ControlPlane {
  private readonly options: ControlPlaneOptions;
  private readonly replica: ReplicaInfo;
  private readonly tap: LogTap;
  private readonly applied: AppliedMarks;
  private readonly lastErrors = new LastErrors();
  private readonly subscriptions: Subscription[] = [];
  private intents: IntentWatch | undefined;

  constructor(options: ControlPlaneOptions) {
    this.options = options;
    const { instance, clock } = options;
    this.replica = { instance, host: hostname(), pid: process.pid, startedAtMs: clock.nowMs() };
    this.applied = new AppliedMarks(clock);
    this.tap = new LogTap(clock, (to, line) => this.sendLine(to, line));
  }

  /** Learn what is disabled, before anything serves. Rejects with NATS_UNREACHABLE, within 10 s; may then be called again. */
  async loadIntents(): Promise<void> {
    const { connection, app, clock, emit } = this.options;
    if (lacksJetStream(connection)) return this.tellNoBucket();
    const intents = new IntentWatch({
      open: () => openIntentStore(connection, app, clock),
      replica: this.replica,
      clock,
      onIntent: (name, disabled, mark) => void this.apply(name, disabled, mark),
      onLost: (cause) =>
        this.notice("warn", `intents: ${toRuntimeError(cause, "KV").message}; the last known ones hold`),
      onBack: () => emit({ type: "runtime.notice", level: "info", message: "intents: the bucket answers again" }),
    });
    this.intents?.close();
    this.leave();
    this.intents = intents;
    this.listenForMarks(); // K2
    await bounded(app, clock, () => intents.start());
    void this.checkOnReconnect();
  }

  /** Take requests. Resolves when the server has confirmed it. Calling again begins anew. */
  async listen(): Promise<void> {
    this.leave();
    this.on("status", async () => this.status());
    this.listenForMarks();
    this.on("reload", async (request) => [await this.reload(request.json<ReloadRequest>())]);
    this.on("invoke", async (request) => [await this.invoke(request.json<InvokeRequest>())], this.queueGroup);
    this.on("logs", async (request) => this.logs(request));
    await this.options.connection.flush();
  }

  /** A line of the log, for those who ask for it. */
  log(line: Omit<LogLine, "replica">): void {
    this.lastErrors.add(line);
    this.tap.add({ ...line, replica: this.replica.instance });
  }

  /** K1. Twice is safe. */
  close(): void {
    this.leave();
    this.intents?.close();
  }

  private listenForMarks(): void {
    this.on("applied", async (request) => [await this.awaitApplied(request.json<AppliedRequest>())]);
  }

  private leave(): void {
    for (const subscription of this.subscriptions.splice(0)) subscription.unsubscribe();
  }

  private get queueGroup(): string {
    return `${this.options.app}.control`;
  }

  private on(verb: ControlVerb, answer: (request: Msg) => Promise<readonly Answer[]>, queue?: string): void {
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

  private async answer(request: Msg, answer: (request: Msg) => Promise<readonly Answer[]>): Promise<void> {
    if (request.reply === undefined || request.reply === "") return;
    try {
      const parts = await answer(request);
      for (const [at, part] of parts.entries()) {
        this.publish(request.reply, at === parts.length - 1 ? part : { ...part, more: true });
      }
    } catch (error) {
      const refusal = reportedError(toRuntimeError(error, `control request on "${request.subject}"`));
      this.publish(request.reply, { replica: this.replica, refusal });
    }
  }

  private sendLine(to: string, line: LogLine): void {
    const reply: LogsReply = { replica: this.replica, lines: [line] };
    this.publish(to, reply);
  }

  /** Whoever asked may be gone, and so may the connection: then nobody is left to tell. */
  private publish(to: string, answer: Answer): void {
    const { connection } = this.options;
    if (!connection.isClosed() && !connection.isDraining()) connection.publish(to, JSON.stringify(answer));
  }

  private async apply(name: string, disabled: Disabled | undefined, mark: IntentMark | undefined): Promise<void> {
    await this.options.supervisor.setOperatorIntent(name, disabled);
    if (mark !== undefined) this.applied.add(mark);
  }

  private async checkOnReconnect(): Promise<void> {
    for await (const { type } of this.options.connection.status()) {
      if (type === "reconnect") void this.intents?.check();
    }
  }

  private status(): StatusReply[] {
    const handlers = this.options.supervisor.status().map((status): ReportedHandler => {
      const lastError = this.lastErrors.of(status.name);
      return { ...reportedHandler(status), ...(lastError === undefined ? {} : { lastError }) };
    });
    return partsOf(handlers).map((part) => ({ replica: this.replica, handlers: part }));
  }

  private async awaitApplied({ marks, waitMs }: AppliedRequest): Promise<AppliedReply> {
    const waiting = await this.applied.missing(marks, Math.min(waitMs, LONGEST_WAIT_MS));
    return { replica: this.replica, waiting };
  }

  private async reload({ names }: ReloadRequest): Promise<ReloadReply> {
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

  private async invoke({ name, data, headers }: InvokeRequest): Promise<InvokeReply> {
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

  private logs(request: Msg): LogsReply[] {
    const { names, last, level, leaseMs } = request.json<LogsRequest>();
    const matches = lineFilter(names, level as LogLevel);
    if (request.reply) this.tap.lease(request.reply, matches, Math.min(leaseMs, LONGEST_LEASE_MS));
    if (last === 0) return []; // Only the lease was renewed.
    const lines = this.tap.last(Math.min(last, MOST_LINES), matches);
    return partsOf(lines).map((part) => ({ replica: this.replica, lines: part }));
  }

  private tellNoBucket(): void {
    this.notice("warn", "this NATS server has no JetStream: `handlers disable` cannot be remembered");
  }

  private notice(level: LogLevel, message: string): void {
    this.options.emit({ type: "runtime.notice", level, message });
  }
}

const LEVELS: readonly string[] = ["trace", "debug", "info", "warn", "error", "fatal"] satisfies LogLevel[];

/** Without names: every line, also those of no handler. */
function lineFilter(names: readonly string[], least: LogLevel): LineFilter {
  const isWanted = names.length === 0 ? () => true : matchesAny(names);
  const threshold = LEVELS.indexOf(least);
  return ({ handler, level }) => LEVELS.indexOf(level) >= threshold && isWanted(handler ?? "");
}
