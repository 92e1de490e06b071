// The schedules that handlers make while they run. Every replica has all of them run, without a leader, as those of metadata (ticker.ts).
//
// K1  A change is told to all replicas, and heard within a moment. Who was away looks through the stream: at its start, when it is
//     connected again, and every so often where the number of schedules is another than it knows.
// K2  Where no stream is, none was ever made: nothing is looked for until somebody says that there is.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../clock.ts";
import type { Emit } from "../events.ts";
import { SCHEDULED_FOR_HEADER } from "../message/delivery.ts";
import { type Call, NEVER_GONE } from "../message/handler-call.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { timetableIdOf } from "../message/message-id.ts";
import type { ScheduleCall } from "../message/schedule-call.ts";
import type { StoreAnswer } from "../message/store-call.ts";
import { readTimesSaid } from "../metadata/schedule.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import { jetStreamOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import { ConnectedSender } from "../nats/send-when-connected.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { type StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { StreamLookup } from "../streams/stream-names.ts";
import { makeSchedule, removeSchedule } from "./changes.ts";
import {
  badSchedule,
  failedChange,
  mostBytes,
  needsJetStream,
  noAnswerIn,
  notConnected,
  sizeOf,
  tooLarge,
} from "./refusals.ts";
import { type MadeSchedule, type TimetableEntry, tokenOf } from "./timetable-entry.ts";
import { TimetableRuns } from "./timetable-runs.ts";
import { type ScheduledContent, TimetableStore } from "./timetable-store.ts";
import { changedSubject, timetableStream } from "./timetable-stream.ts";

export interface TimetableOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Of each stream that the runtime makes. */
  readonly copies: number;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly notices: RateLimitedNotices;
  readonly emit: Emit;
  /** Publishes for the app. */
  readonly publish: Call;
}

const LOOK_EVERY_MS = 15_000;
const SUBSCRIBE_AGAIN_MS = 60_000;
const LOOK_MS = 1_000;
const WAIT_UP_MS = 5_000;
const PUBLISH_MS = 5_000;

export class Timetable {
  private readonly options: TimetableOptions;
  private readonly state: ConnectionState;
  private readonly store: TimetableStore;
  private readonly streams: StreamLookup;
  private readonly runs: TimetableRuns;
  private readonly subscriptions: StandingSubscriptions;
  private standing: StandingSubscription | undefined;
  private timer: Timer | undefined;
  private forget: () => void = () => undefined;
  private hasStream = true;
  private looking: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;

  /** Asks the server nothing yet. */
  constructor(options: TimetableOptions, jsm: JetStreamManager) {
    const { connection, app, copies, clock, serverClock, emit } = options;
    this.options = options;
    this.state = new ConnectionState(connection, clock);
    this.store = new TimetableStore({ app, js: jetStreamOf(connection), jsm, copies });
    this.streams = new StreamLookup(connection, clock);
    this.subscriptions = new StandingSubscriptions(connection, clock);
    this.runs = new TimetableRuns({
      store: this.store,
      isStored: async (target) => (await this.streams.find(target))?.confirms === true,
      send: (entry, content, plannedMs) => this.send(entry, content, plannedMs),
      clock,
      reachedMs: () => serverClock.earliestMs(),
      until: (atMs, signal) => serverClock.until(atMs, signal),
      onMet: ({ by: handler, key }, plannedMs) => emit({ type: "schedule.met", handler, key, plannedMs }),
      onPassedOver: ({ by: handler, key }, count) => emit({ type: "schedule.passed-over", handler, key, count }),
      onTrouble: (key, error) => this.tellHeldUp(key, error),
    });
  }

  /** From now on what is due is published. Does not wait. */
  start(): void {
    const { connection, app, clock } = this.options;
    this.standing = this.subscriptions.subscribe(changedSubject(app), {
      onMessage: (message) => {
        this.hasStream = true;
        void this.runs.look(message.string());
      },
      onRefused: ({ message }) => this.tell(message),
      retryMs: SUBSCRIBE_AGAIN_MS,
    });
    this.timer = clock.every(LOOK_EVERY_MS, () => void this.look("changed"));
    this.forget = new ConnectedSender(connection).onReconnect(() => void this.look("all"));
    void this.look("all");
  }

  /** Resolves when nothing is published any more. Never rejects. A second call joins the first. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  /** Never rejects. Codes: 400 not to be scheduled so, 501 no JetStream, 413 too large, 409 and 507 the stream refuses it, 503 not connected, or no stream, 504 no answer in time. */
  async call(call: ScheduleCall): Promise<StoreAnswer> {
    if (lacksJetStream(this.options.connection)) return needsJetStream(call);
    if (!(await this.state.up(Math.min(call.timeoutMs, WAIT_UP_MS)))) return notConnected(call);
    const answer = await within(this.options.clock, call.timeoutMs, this.carryOut(call));
    return answer === "expired" ? noAnswerIn(call) : answer;
  }

  private async carryOut(call: ScheduleCall): Promise<StoreAnswer> {
    const token = tokenOf(call.key);
    try {
      const answer = call.operation === "put" ? await this.make(token, call) : await this.remove(token);
      if (answer.ok) await this.changed(token);
      return answer;
    } catch (error) {
      return failedChange(call, error, timetableStream(this.options.app));
    }
  }

  private async make(token: string, call: Extract<ScheduleCall, { operation: "put" }>): Promise<StoreAnswer> {
    const { key, target, handler: by, when, headers, value: payload } = call;
    const read = readTimesSaid(when);
    if ("problem" in read) return badSchedule(call, read.problem);
    const { times, missed } = read.value;
    const made: MadeSchedule = { key, target, times, missed, by };
    const content = { headers, payload };
    const limit = mostBytes(this.options.connection);
    if (sizeOf(made, content) > limit) return tooLarge(call, sizeOf(made, content), limit);
    await makeSchedule(this.store, token, { made, content, nowMs: this.options.serverClock.earliestMs() });
    return { ok: true, result: {} };
  }

  private async remove(token: string): Promise<StoreAnswer> {
    return { ok: true, result: { wasThere: await removeSchedule(this.store, token) } };
  }

  /** K1. This replica need not hear of it. */
  private async changed(token: string): Promise<void> {
    const { connection, app, clock } = this.options;
    this.hasStream = true;
    try {
      connection.publish(changedSubject(app), token);
    } catch {
      // Closed meanwhile. It is stored, and who runs finds it.
    }
    if (this.timer !== undefined) await within(clock, LOOK_MS, this.runs.look(token));
  }

  private async end(): Promise<void> {
    this.forget();
    this.timer?.cancel();
    await this.standing?.close();
    await this.looking;
    await this.runs.close();
  }

  /** K1. One look at a time. */
  private look(at: "all" | "changed"): Promise<void> {
    this.looking = this.looking.then(() => this.lookNow(at));
    return this.looking;
  }

  private async lookNow(at: "all" | "changed"): Promise<void> {
    const { connection, app, clock, serverClock } = this.options;
    if (lacksJetStream(connection) || this.closing !== undefined || (at === "changed" && !this.hasStream)) return;
    try {
      if (at === "changed" && (await this.store.count()) === this.runs.tokens.length) return;
      const askedAtMs = clock.monotonicMs();
      const { tokens, time } = await this.store.tokens();
      serverClock.observe(time, askedAtMs);
      this.hasStream = true;
      const known = new Set(this.runs.tokens);
      const others =
        at === "all" ? [...new Set([...tokens, ...known])] : tokens.filter((token) => !known.delete(token));
      const gone = at === "all" ? [] : [...known];
      await Promise.all([...others, ...gone].map((token) => this.runs.look(token)));
    } catch (error) {
      const doing = `stream "${timetableStream(app)}" could not be looked through`;
      const { code, message } = jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
      const isMissing = isApiError(error, ApiCode.streamNotFound);
      // K2. Who may not look would be refused at every look. Without an answer the next one asks again.
      if (isMissing || code === "NATS_REFUSED") this.hasStream = false;
      if (!isMissing && code !== "NATS_UNREACHABLE") this.tell(message);
    }
  }

  private async send(entry: TimetableEntry, { headers, payload }: ScheduledContent, plannedMs: number): Promise<void> {
    const { by, target, key } = entry;
    const planned = [SCHEDULED_FOR_HEADER, new Date(plannedMs).toISOString()] as const;
    const answer = await this.options.publish({
      kind: "publish",
      handler: by,
      subject: target,
      messageId: timetableIdOf(tokenOf(key), target, plannedMs),
      again: true,
      headers: encodeHeaders([...headers, planned]),
      payload,
      timeoutMs: PUBLISH_MS,
      gone: NEVER_GONE,
    });
    if (!answer.ok) throw new Error(answer.message);
  }

  /** That NATS is gone is told by others. */
  private tellHeldUp(key: string, error: unknown): void {
    if (!this.state.isUp) return;
    const why = error instanceof Error ? error.message : String(error);
    const text = `the schedule ${JSON.stringify(key)} is held up, and tried again every second: ${why}`;
    this.options.notices.tell(`schedule of key ${key}`, "warn", text);
  }

  private tell(why: string): void {
    const text = `schedules that handlers have made (\`ctx.schedule\`) may run late, or not at all: ${why}`;
    this.options.notices.tell("timetable", "warn", text);
  }
}
