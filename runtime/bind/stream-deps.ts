// What everything that takes messages from JetStream shares, made once for a connection.

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { DeadLetters } from "../dead-letters/dead-letters.ts";
import { RedriveWatch } from "../dead-letters/redrive-watch.ts";
import type { Emit } from "../events.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import { ConnectedSender } from "../nats/send-when-connected.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import type { StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { UnawaitedWork } from "../nats/unawaited-work.ts";
import { AckRefusals } from "./ack-refusals.ts";
import { KeyMarks } from "./key-marks.ts";
import { LingeringInboxes } from "./lingering-inboxes.ts";
import { StoredOutputs } from "./stored-outputs.ts";
import { UnchargedDeliveries } from "./uncharged-deliveries.ts";

interface Given {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly instance: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  /** Messages are as old as this says: they carry the server's time. */
  readonly serverClock: ServerClock;
  readonly emit: Emit;
  readonly subscriptions: StandingSubscriptions;
}

export interface StreamDepsOptions extends Given {
  /** Of each stream that the runtime makes. */
  readonly copies: number;
  readonly onLetterKept?: (handler: string) => void;
}

export interface StreamDeps extends Given {
  readonly notices: RateLimitedNotices;
  readonly sender: ConnectedSender;
  readonly lingering: LingeringInboxes;
  readonly refusals: AckRefusals;
  /** What is looked at while it hands out nothing: the more, the less often each. */
  readonly watches: Set<object>;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Of another JetStream, by its domain; that of our own account without one. */
  managerOf(domain: string | undefined): Promise<JetStreamManager>;
  readonly letters: DeadLetters;
  readonly givenBack: UnchargedDeliveries;
  readonly marks: KeyMarks;
  readonly outputs: StoredOutputs;
  readonly redrives: RedriveWatch;
  /** Settlements on their way. */
  readonly pending: UnawaitedWork;
}

/** Asks the server nothing yet. */
export async function createStreamDeps(options: StreamDepsOptions): Promise<StreamDeps> {
  const { connection, app, emit, clock, copies } = options;
  const notices = new RateLimitedNotices(emit, clock);
  const js = jetStreamOf(connection);
  const jsm = await managerOf(connection);
  const sender = new ConnectedSender(connection);
  return {
    ...options,
    notices,
    sender,
    lingering: new LingeringInboxes(clock),
    refusals: new AckRefusals(connection),
    watches: new Set(),
    js,
    jsm,
    managerOf: async (domain) => (domain === undefined ? jsm : managerOf(connection, { domain })),
    letters: new DeadLetters({ connection, app, clock, notices, copies, onKept: options.onLetterKept }),
    givenBack: new UnchargedDeliveries(app, js, jsm, copies),
    marks: new KeyMarks({ connection, app, js, jsm, copies }),
    outputs: new StoredOutputs({ connection, jsm, app }),
    redrives: new RedriveWatch({ subscriptions: options.subscriptions, jsm, sender, app, notices }),
    pending: new UnawaitedWork(),
  };
}
