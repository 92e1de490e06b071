// Which messages of handlers with `outputs: "atomic"` have their outputs stored: such a message is done with, and only its acknowledgement
// was lost. Asked for those that come again.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { messageIdOf } from "../message/message-id.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { findOutputStream, outputMark } from "../streams/output-stream.ts";
import type { StreamDelivery } from "./stream-delivery.ts";

interface Place {
  readonly stream: string;
  readonly idPrefixes: readonly string[];
}

/** Of a message that is let pass. */
export const OUTPUTS_STORED = "what it published is stored already";

export class StoredOutputs {
  private readonly connection: NatsConnection;
  private readonly jsm: JetStreamManager;
  private readonly app: string;
  private readonly places = new Map<string, Place>();

  constructor({ connection, jsm, app }: { connection: NatsConnection; jsm: JetStreamManager; app: string }) {
    this.connection = connection;
    this.jsm = jsm;
    this.app = app;
  }

  /** Rejects with a RuntimeError where no stream takes the handler's outputs as one. */
  async prepare(handler: string, idPrefixes: readonly string[]): Promise<void> {
    const { connection, app } = this;
    const { name: stream } = await findOutputStream({ connection, app, handler });
    this.places.set(handler, { stream, idPrefixes });
  }

  /** Rejects when it cannot be asked now. */
  async has(handler: string, { origin, seq, storedAtMs }: StreamDelivery): Promise<boolean> {
    const place = this.places.get(handler);
    const idPrefix = place?.idPrefixes[origin];
    if (place === undefined || idPrefix === undefined) return false;
    const mark = outputMark(this.app, handler, messageIdOf(idPrefix, seq, storedAtMs));
    try {
      return (await this.jsm.streams.getMessage(place.stream, { last_by_subj: mark })) !== null;
    } catch (error) {
      if (isApiError(error, ApiCode.messageNotFound, ApiCode.streamNotFound)) return false;
      throw error;
    }
  }
}
