// Puts what handlers publish with `delay` or `at` into the stream in which it waits.

import type { JetStreamManager, PubAck } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { type Call, type CallAnswer, type HandlerCall, type Later, lasting } from "../message/handler-call.ts";
import { publishIdOf } from "../message/message-id.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import { headersAsRead } from "../nats/foreign-headers.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { isNoAnswer } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { failedCall } from "../publish/refusals.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";
import { StreamLookup } from "../streams/stream-names.ts";
import { type LaterMessage, laterHeaders } from "./later-message.ts";
import { ensureLaterStream, laterStream, wakeSubject } from "./later-stream.ts";
import { isTakenUp, type Window, windowOf, windowSubject } from "./window.ts";

export interface LaterStoreOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  /** In how many its stream is kept, should it have to be made. */
  readonly copies: number;
  /** For what is due already. */
  readonly publish: Call;
}

const WAIT_UP_MS = 5_000;
const PUB_ACK_MS = 5_000;
const PUB_ACK_TRIES = 3;
/** Subject, id and protocol beside headers and payload. */
const SPARE_BYTES = 1_024;
const WINDOWS_TOLD = 64;
const SENT: CallAnswer = { ok: true, body: new Uint8Array(0) };

export class LaterStore {
  private readonly options: LaterStoreOptions;
  private readonly state: ConnectionState;
  private readonly streams: StreamLookup;
  private readonly writer: OwnStreamWriter;
  private manager: Promise<JetStreamManager> | undefined;
  private readonly told = new Set<Window>();

  constructor(options: LaterStoreOptions) {
    const { connection, clock } = options;
    this.options = options;
    this.state = new ConnectionState(connection, clock);
    this.streams = new StreamLookup(connection, clock);
    this.writer = new OwnStreamWriter({ js: jetStreamOf(connection), ensure: () => this.ensure() });
  }

  /** Never rejects. Codes: 501 no JetStream, 413 too large, 409 and 507 the stream refuses it, 503 not connected, or no stream. */
  async call(call: HandlerCall, later: Later): Promise<CallAnswer> {
    const { connection, serverClock, publish } = this.options;
    const held = lasting(call);
    const dueMs = dueOf(later, serverClock);
    if (dueMs <= serverClock.earliestMs()) return publish({ ...held, later: undefined });
    if (lacksJetStream(connection)) return needsJetStream(held);
    if (!(await this.state.up(Math.min(held.timeoutMs, WAIT_UP_MS)))) return notConnected(held);
    const message = await this.messageOf(held, dueMs);
    const maxPayload = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (sizeOf(message, held) > maxPayload) return tooLarge(held, sizeOf(message, held), maxPayload);
    try {
      await this.store(message, held);
      return SENT;
    } catch (error) {
      return isNoAnswer(error) ? this.noStream(held) : failedCall(held, error);
    }
  }

  /** As it waits. The stream that takes its target now is expected then; where we may not ask, none is. */
  async messageOf({ subject, messageId, handler, headers }: HandlerCall, dueMs: number): Promise<LaterMessage> {
    const taken = await this.streams.find(subject).catch(() => undefined);
    return { target: subject, dueMs, id: messageId, by: handler, stream: taken?.name, headers };
  }

  /** Rejects with the client's errors. */
  async store(
    message: LaterMessage,
    { payload, timeoutMs }: Pick<HandlerCall, "payload" | "timeoutMs">,
  ): Promise<PubAck> {
    const { app } = this.options;
    const headers = headersAsRead(laterHeaders(message));
    const window = windowOf(message.dueMs);
    const stored = await this.writer.publish(windowSubject(app, window), payload, {
      headers,
      msgID: publishIdOf(app, message.id),
      timeout: Math.min(timeoutMs, PUB_ACK_MS),
      retries: PUB_ACK_TRIES,
    });
    this.tell(window);
    return stored;
  }

  /** Rejects where the stream can be neither found nor made. */
  async ensure(): Promise<void> {
    this.manager ??= managerOf(this.options.connection);
    await ensureLaterStream(await this.manager, this.options.app, this.options.copies);
  }

  /** Have the replicas take the window up. They find those that have time by themselves. */
  private tell(window: Window): void {
    const { connection, app, serverClock } = this.options;
    if (this.told.has(window) || !isTakenUp(window, serverClock.nowMs())) return;
    if (this.told.size >= WINDOWS_TOLD) this.told.clear();
    this.told.add(window);
    try {
      connection.publish(wakeSubject(app), windowSubject(app, window));
    } catch {
      // Closed meanwhile. It is stored, and who runs finds it.
    }
  }

  private noStream(call: HandlerCall): CallAnswer {
    const stream = laterStream(this.options.app);
    const message = `${what(call)}: there is no stream "${stream}" for it to wait in, and it could not be made: start once with --provision`;
    return { ok: false, code: 503, message };
  }
}

/** Not before it, by whatever the server's clock may show now. */
export function dueOf(later: Later, serverClock: Pick<ServerClock, "latestMs">): number {
  return later.kind === "at" ? later.atMs : Math.ceil(serverClock.latestMs() + later.delayMs);
}

function sizeOf(message: LaterMessage, { payload }: HandlerCall): number {
  const text = laterHeaders(message).reduce(
    (sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 4,
    0,
  );
  return text + payload.length + SPARE_BYTES;
}

function what({ subject }: HandlerCall): string {
  return `publish to "${subject}" with \`delay\` or \`at\``;
}

function needsJetStream(call: HandlerCall): CallAnswer {
  const message = `${what(call)} needs JetStream, in which it waits; the NATS server has it switched off`;
  return { ok: false, code: 501, message };
}

function notConnected(call: HandlerCall): CallAnswer {
  return { ok: false, code: 503, message: `${what(call)}: not connected to NATS; nothing was stored` };
}

function tooLarge(call: HandlerCall, bytes: number, limit: number): CallAnswer {
  const message = `${what(call)}: ${bytes} bytes, with what it is kept with, are more than the server takes (max_payload ${limit})`;
  return { ok: false, code: 413, message };
}
