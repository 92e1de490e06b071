// Binds handlers as the binder does, and has the schedules of those that have one run meanwhile.

import { createHash } from "node:crypto";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Binder } from "../bind/binder.ts";
import { type Clock, within } from "../clock.ts";
import type { Emit } from "../events.ts";
import type { PlannedBinding } from "../message/binding.ts";
import type { ResolvedMetadata, Schedule } from "../metadata/handler-metadata.ts";
import { timesKey } from "../metadata/schedule.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { withoutJetStream } from "../nats/jetstream-errors.ts";
import { askForJetStream, lacksJetStream } from "../nats/no-jetstream.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { MarkStore } from "./mark-store.ts";
import { ScheduledBinding, type Ticking } from "./scheduled-binding.ts";
import { hasEnded, storeScheduled, tellScheduled } from "./scheduled-message.ts";
import { Ticker } from "./ticker.ts";

export interface ScheduledBinderOptions {
  readonly binder: Binder;
  readonly connection: NatsConnection;
  readonly app: string;
  /** Of each stream that the runtime makes. */
  readonly copies: number;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly notices: RateLimitedNotices;
  readonly emit: Emit;
  /** This replica saw to a planned time of the handler, or passed some over. */
  readonly onPlanned: (handler: string, what: "met" | "passed-over", count: number) => void;
}

interface Scheduled {
  readonly handler: string;
  readonly metadata: ResolvedMetadata;
  /** What its replicas share. */
  readonly group: string;
}

const STOP_MS = 5_000;
const FINGERPRINT_DIGITS = 12;

/** Asks the server nothing yet. */
export async function createScheduledBinder(options: ScheduledBinderOptions): Promise<Binder> {
  const { binder, connection } = options;
  const schedules = new Schedules(options, await managerOf(connection));
  return {
    async plan(handler, metadata) {
      if (metadata.schedule !== undefined) await assertJetStream(connection, handler);
      const plan = await binder.plan(handler, metadata);
      return metadata.kind === "request" ? plan : schedules.around(plan, handler);
    },
    hold: (handler, metadata) => binder.hold(handler, metadata),
    removed: (handler) => binder.removed(handler),
    worthRetrying: () => binder.worthRetrying(),
    get ownStreams() {
      return binder.ownStreams;
    },
    get takenStreams() {
      return binder.takenStreams;
    },
    settled: () => binder.settled(),
  };
}

class Schedules {
  private readonly options: ScheduledBinderOptions;
  private readonly jsm: JetStreamManager;
  private readonly js: JetStreamClient;
  private readonly marks: MarkStore;
  private readonly state: ConnectionState;

  constructor(options: ScheduledBinderOptions, jsm: JetStreamManager) {
    const { connection, app, copies, clock } = options;
    this.options = options;
    this.jsm = jsm;
    this.js = jetStreamOf(connection);
    this.marks = new MarkStore({ app, js: this.js, jsm, copies });
    this.state = new ConnectionState(connection, clock);
  }

  around(plan: PlannedBinding, handler: string): PlannedBinding {
    const { idPrefixes, groups } = plan;
    return {
      idPrefixes,
      groups,
      bind: async (request) => {
        const { metadata } = request;
        const tickingOf = (schedule: Schedule) => this.tickingOf(schedule, { handler, metadata, group: groups[0]! });
        return new ScheduledBinding(await plan.bind(request), tickingOf, metadata.schedule);
      },
    };
  }

  private tickingOf(schedule: Schedule, { handler, metadata, group }: Scheduled): Ticking {
    const { clock, serverClock, emit, onPlanned, connection, app } = this.options;
    const { kind } = metadata;
    // One that has a schedule has one subject.
    const subject = metadata.subjects[0]!;
    const isStored = kind === "durable";
    const publishing = { connection, js: this.js, app };
    const ticker = new Ticker({
      schedule,
      marks: this.marks.marksOf(handler, fingerprintOf(schedule, subject)),
      isStored: () => isStored,
      send: async (plannedMs) => {
        const message = { handler, subject, payload: schedule.payload, plannedMs };
        return isStored ? storeScheduled(publishing, message) : tellScheduled(publishing, message);
      },
      hasEnded: (run) => hasEnded(this.jsm, group, run),
      reachedMs: () => serverClock.earliestMs(),
      until: (atMs, signal) => serverClock.until(atMs, signal),
      clock,
      onMet(plannedMs) {
        onPlanned(handler, "met", 1);
        emit({ type: "schedule.met", handler, plannedMs });
      },
      onPassedOver(count) {
        onPlanned(handler, "passed-over", count);
        emit({ type: "schedule.passed-over", handler, count });
      },
      onTrouble: (error) => this.tell(handler, error),
    });
    return { start: () => ticker.start(), stop: async () => void (await within(clock, STOP_MS, ticker.stop())) };
  }

  /** That NATS is gone is told by others. */
  private tell(handler: string, error: unknown): void {
    if (!this.state.isUp) return;
    const why = error instanceof Error ? error.message : String(error);
    const text = `the schedule of handler "${handler}" is held up, and tried again every second: ${why}`;
    this.options.notices.tell(`schedule ${handler}`, "warn", text);
  }
}

/** With other times, or at another subject, it is another schedule. */
function fingerprintOf({ times }: Schedule, subject: string): string {
  return createHash("sha256")
    .update(`${subject} ${timesKey(times)}`)
    .digest("hex")
    .slice(0, FINGERPRINT_DIGITS);
}

/** An account may have been given it since it was asked last. */
async function assertJetStream(connection: NatsConnection, handler: string): Promise<void> {
  if (lacksJetStream(connection)) await askForJetStream(connection);
  if (lacksJetStream(connection))
    throw withoutJetStream(connection, `handler "${handler}" has a schedule, and needs JetStream`, { handler });
}
