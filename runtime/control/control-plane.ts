// Answers control requests, and keeps the operator's intents.
//
// K1  Answers come from every replica; one that is closing no longer answers.
// K2  Whoever watches the intents also says when it has applied them: a replica that starts does so before the rest.
// K3  A bucket in which nothing was ever said may have been made just now, in the place of another. A replica that starts asks
//     those that are there to write what they know into it.

import { hostname } from "node:os";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { RuntimeError, toRuntimeError } from "../errors.ts";
import { type Emit, LOG_LEVELS, type LogLevel } from "../events.ts";
import { matchesAny } from "../metadata/name-filter.ts";
import { isForOthersOnly, lacksJetStream } from "../nats/no-jetstream.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { type StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import type { Supervisor } from "../supervise/supervisor.ts";
import { type Rollback, rollbackName, saidRollback } from "../versions/rollback.ts";
import { AppliedMarks } from "./applied-marks.ts";
import {
  type Answer,
  type AppliedReply,
  type AppliedRequest,
  type CancelRequest,
  type ConnectionsRequest,
  type ContractRequest,
  type ControlVerb,
  controlSubject,
  controlSubjectOf,
  type InvokeRequest,
  type LogLine,
  type LogsReply,
  type LogsRequest,
  type ReloadRequest,
  type ReplicaInfo,
  type RunningRequest,
  type ToldReply,
  type ToldRequest,
} from "./control-protocol.ts";
import { HandlerAnswers } from "./handler-answers.ts";
import type { IntentMark } from "./intent.ts";
import { bucketName, openIntentStore } from "./intent-store.ts";
import { IntentWatch, type Word } from "./intent-watch.ts";
import { LastErrors } from "./last-errors.ts";
import { type LineFilter, LogTap } from "./log-tap.ts";
import type { MessageTap } from "./message-tap.ts";
import { reportedError } from "./reported.ts";
import type { MessagesReply, MessagesRequest, ToldSeen } from "./seen.ts";
import type { ReplicaSlowStarts } from "./slow-starts.ts";
import { splitAnswer } from "./split-answer.ts";

export interface ControlPlaneOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly instance: string;
  readonly supervisor: Supervisor;
  /** Have a handler serve a kept version, or its own. Resolves when it does, or that has failed; never rejects. */
  readonly rollBack: (handler: string, rollback: Rollback | undefined) => Promise<void>;
  readonly messages: MessageTap;
  readonly slowStarts: ReplicaSlowStarts;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly emit: Emit;
  /** Of the bucket of intents, should it have to be made. */
  readonly copies: number;
}

/** Longest wait for an older replica. */
const RESTORE_MS = 2_000;
const LONGEST_WAIT_MS = 600_000;
const LONGEST_LEASE_MS = 60_000;
const MOST_LINES = 500;

export class ControlPlane {
  private readonly options: ControlPlaneOptions;
  private readonly replica: ReplicaInfo;
  private readonly tap: LogTap;
  private readonly applied: AppliedMarks;
  private readonly lastErrors = new LastErrors();
  private readonly handlers: HandlerAnswers;
  private readonly standing: StandingSubscriptions;
  private readonly subscriptions: StandingSubscription[] = [];
  private intents: IntentWatch | undefined;

  constructor(options: ControlPlaneOptions) {
    this.options = options;
    const { connection, instance, clock } = options;
    this.standing = new StandingSubscriptions(connection, clock);
    this.replica = { instance, host: hostname(), pid: process.pid, startedAtMs: clock.nowMs() };
    this.handlers = new HandlerAnswers(this.replica, { ...options, lastErrors: this.lastErrors });
    this.applied = new AppliedMarks(clock);
    this.tap = new LogTap(clock, (to, line) => this.sendLine(to, line));
  }

  /** Learn what is disabled, before anything serves. Rejects with NATS_UNREACHABLE, after 30 s; may then be called again. */
  async loadIntents(): Promise<void> {
    const { connection, app, clock, serverClock, emit, copies, slowStarts } = this.options;
    if (lacksJetStream(connection)) return this.tellNoBucket();
    const intents = new IntentWatch({
      open: () => openIntentStore(connection, app, clock, { serverClock, copies }),
      replica: this.replica,
      clock,
      nowMs: () => serverClock.nowMs(),
      onIntent: (name, word, mark) => this.apply(name, word, mark),
      onRollback: async (name, rollback, mark) => {
        await this.options.rollBack(name, rollback);
        this.applied.add(mark);
      },
      onEnabled: (name) => this.options.supervisor.letGo(name),
      onLost: (cause) =>
        this.notice("warn", `intents: ${toRuntimeError(cause, "KV").message}; the last known ones hold`),
      onReplaced: (off) => this.notice("warn", replacedText(app, off)),
      onBack: () => emit({ type: "runtime.notice", level: "info", message: "intents: the bucket answers again" }),
    });
    this.intents?.close();
    this.leave();
    this.intents = intents;
    slowStarts.counter = (name, first, wanted) => intents.letThrough(name, first, wanted);
    this.listenForMarks(); // K2
    await intents.start().catch((error: unknown) => {
      throw withoutIntents(toRuntimeError(error, "KV"));
    });
    if (intents.isEmpty) await this.askOthers(intents); // K3
    void this.checkOnReconnect();
  }

  /** The runtime's own word, as an operator's. Resolves when it is in force here; rejects where no intents are kept. */
  async sayRollback(handler: string, rollback: Rollback): Promise<void> {
    if (this.intents === undefined) throw new Error("this replica follows no intents");
    await this.intents.take(rollbackName(handler), JSON.stringify(saidRollback(rollback)));
  }

  /** K3. Where nobody else is there, or may be asked, what the bucket says holds. */
  private async askOthers(intents: IntentWatch): Promise<void> {
    const { connection, app } = this.options;
    const asking = connection.request(controlSubject(app, "restore"), "", { timeout: RESTORE_MS });
    // What is written meanwhile and cannot be read now comes by the watch.
    await asking.then(() => intents.readAll()).catch(() => undefined);
  }

  /** Take requests. Resolves when the server has confirmed it. Calling again begins anew. */
  async listen(): Promise<void> {
    this.leave();
    this.on("status", async () => this.handlers.status());
    this.listenForMarks();
    this.on("told", async (request) => [await this.take(request.json<ToldRequest>())]);
    this.on("restore", async () => [await this.restore()]);
    this.on("reload", async (request) => [await this.handlers.reload(request.json<ReloadRequest>())]);
    this.on("invoke", async (request) => [await this.handlers.invoke(request.json<InvokeRequest>())], this.queueGroup);
    this.onContract();
    this.on("running", async (request) => this.handlers.running(request.json<RunningRequest>()));
    this.on("connections", async (request) => this.handlers.connections(request.json<ConnectionsRequest>()));
    this.on("cancel", async (request) => [await this.handlers.cancel(request.json<CancelRequest>())]);
    this.on("logs", async (request) => this.logs(request));
    this.on("messages", async (request) => this.messages(request));
    await this.options.connection.flush();
  }

  /** K3. */
  private async restore(): Promise<Answer> {
    await this.intents?.check();
    return { replica: this.replica };
  }

  /** A line of the log, for those who ask for it. */
  log(line: Omit<LogLine, "replica">): void {
    this.lastErrors.add(line);
    this.tap.add({ ...line, replica: this.replica.instance });
    if (this.options.messages.isOpen) this.options.messages.line(line);
  }

  /** K1. Twice is safe. */
  close(): void {
    this.leave();
    this.intents?.close();
  }

  private listenForMarks(): void {
    this.on("applied", async (request) => [await this.awaitApplied(request.json<AppliedRequest>())]);
  }

  /** Asked of any replica, or of this one. */
  private onContract(): void {
    const answer = async (request: Msg) => [await this.handlers.contract(request.json<ContractRequest>())];
    this.on("contract", answer, this.queueGroup);
    this.onSubject(controlSubjectOf(this.options.app, "contract", this.replica.instance), answer);
  }

  private leave(): void {
    for (const subscription of this.subscriptions.splice(0)) void subscription.close();
  }

  private get queueGroup(): string {
    return `${this.options.app}.control`;
  }

  private on(verb: ControlVerb, answer: (request: Msg) => Promise<readonly Answer[]>, queue?: string): void {
    this.onSubject(controlSubject(this.options.app, verb), answer, queue);
  }

  private onSubject(subject: string, answer: (request: Msg) => Promise<readonly Answer[]>, queue?: string): void {
    const subscription = this.standing.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      onMessage: (request) => void this.answer(request, answer),
      onRefused: ({ message }) =>
        this.notice("warn", `\`handlers\` commands are not heard: subscribing to "${subject}": ${message}`),
      onGranted: () => this.notice("info", `\`handlers\` commands are heard on "${subject}" again`),
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

  private async apply(name: string, { disabled, slowStart }: Word, mark: IntentMark | undefined): Promise<void> {
    const { slowStarts } = this.options;
    if (disabled === undefined) slowStarts.on(name, slowStart);
    else slowStarts.off(name);
    await this.options.supervisor.setOperatorIntent(name, disabled);
    if (mark !== undefined) this.applied.add(mark);
  }

  private async checkOnReconnect(): Promise<void> {
    for await (const { type } of this.options.connection.status()) {
      if (type === "reconnect") void this.intents?.check();
    }
  }

  private async awaitApplied({ marks, texts = [], waitMs }: AppliedRequest): Promise<AppliedReply> {
    for (const [at, text] of texts.entries()) if (marks[at] !== undefined) this.intents?.hear(marks[at], text);
    const waiting = await this.applied.missing(marks, Math.min(waitMs, LONGEST_WAIT_MS));
    return { replica: this.replica, waiting };
  }

  private async take({ intents }: ToldRequest): Promise<ToldReply> {
    await Promise.all(intents.map(({ name, text }) => this.intents?.take(name, text)));
    return { replica: this.replica };
  }

  private logs(request: Msg): LogsReply[] {
    const { names, last, level, leaseMs } = request.json<LogsRequest>();
    const matches = lineFilter(names, level as LogLevel);
    if (request.reply) this.tap.lease(request.reply, matches, Math.min(leaseMs, LONGEST_LEASE_MS));
    if (last === 0) return []; // Only the lease was renewed.
    const lines = this.tap.last(Math.min(last, MOST_LINES), matches);
    return splitAnswer(lines).map((part) => ({ replica: this.replica, lines: part }));
  }

  private messages(request: Msg): MessagesReply[] {
    const { replica } = this;
    const to = request.reply ?? "";
    const send = (told: ToldSeen) => this.publish(to, { replica, ...told } satisfies MessagesReply);
    const past = this.options.messages.asked(to, request.json<MessagesRequest>(), send);
    return past.map((told) => ({ replica, ...told }));
  }

  private tellNoBucket(): void {
    const who = isForOthersOnly(this.options.connection) ? "this account of the NATS server" : "this NATS server";
    const lost = "durable handlers cannot run, failed messages are not kept, `handlers disable` cannot be remembered";
    this.notice("warn", `${who} has no JetStream: ${lost}`);
  }

  private notice(level: LogLevel, message: string): void {
    this.options.emit({ type: "runtime.notice", level, message });
  }
}

/** The same, for a replica that was to serve. */
function withoutIntents(error: RuntimeError): RuntimeError {
  const { code, message, remedy = "" } = error;
  return new RuntimeError(code, message, {
    cause: error.cause,
    remedy: `Nothing is served rather than what was turned off. ${remedy}`.trimEnd(),
  });
}

const LEVELS: readonly string[] = LOG_LEVELS;

/** Without names: every line, also those of no handler. */
function lineFilter(names: readonly string[], least: LogLevel): LineFilter {
  const isWanted = names.length === 0 ? () => true : matchesAny(names);
  const threshold = LEVELS.indexOf(least);
  return ({ handler, level }) => LEVELS.indexOf(level) >= threshold && isWanted(handler ?? "");
}

function replacedText(app: string, off: readonly string[]): string {
  const what = `intents: the bucket "${bucketName(app)}" was removed, and is there anew`;
  return off.length === 0
    ? what
    : `${what}; what was off, or rolled back, stays so, and is written into it: ${off.toSorted().join(", ")}`;
}
