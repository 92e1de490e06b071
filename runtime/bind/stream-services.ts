// What everything that takes messages from JetStream shares, made once for a connection.

import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import { DeadLetters } from "./dead-letters.ts";
import { GivenBack } from "./given-back.ts";
import { Notices } from "./notices.ts";
import { Pending } from "./pending.ts";
import { RedriveWatch } from "./redrive-watch.ts";
import { Uplink } from "./uplink.ts";

export interface StreamServices {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly instance: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly notices: Notices;
  readonly uplink: Uplink;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly letters: DeadLetters;
  readonly givenBack: GivenBack;
  readonly redrives: RedriveWatch;
  /** Settlements on their way. */
  readonly pending: Pending;
}

export interface StreamServicesOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly instance: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly onLetterKept?: (handler: string) => void;
}

/** Asks the server nothing yet. */
export async function createStreamServices(options: StreamServicesOptions): Promise<StreamServices> {
  const { connection, app, emit, clock } = options;
  const notices = new Notices(emit, clock);
  const js = jetstream(connection);
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  const uplink = new Uplink(connection);
  return {
    ...options,
    notices,
    uplink,
    js,
    jsm,
    letters: new DeadLetters({ connection, app, notices, onKept: options.onLetterKept }),
    givenBack: new GivenBack(app, js, jsm),
    redrives: new RedriveWatch({ connection, jsm, uplink, app, notices }),
    pending: new Pending(),
  };
}
