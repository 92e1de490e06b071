// Publishes into a stream of the runtime's own, which is there before the first message is sent. Whether somebody answers a
// publish says nothing about the stream: a subscriber to `>` is enough for "no responders" to stay away.
//
// O1  The stream is looked for, and made, before the first message, and again after a message that got no answer.
// O2  Who may neither look nor make publishes all the same: somebody else may have made it.

import type { JetStreamClient, JetStreamPublishOptions, PubAck } from "@nats-io/jetstream";
import { isApiError, isNoAnswer, mayBeAnsweredLater } from "../nats/jetstream-errors.ts";

export interface OwnStreamWriterOptions {
  readonly js: JetStreamClient;
  /** Looks for the stream, and makes it when it is missing. */
  readonly ensure: () => Promise<void>;
}

export class OwnStreamWriter {
  private readonly options: OwnStreamWriterOptions;
  private present: Promise<void> | undefined;

  constructor(options: OwnStreamWriterOptions) {
    this.options = options;
  }

  /** Resolves when it is stored. Rejects with the client's errors. */
  async publish(
    subject: string,
    data: Uint8Array | string,
    options?: Partial<JetStreamPublishOptions>,
  ): Promise<PubAck> {
    try {
      return await this.publishOnce(subject, data, options);
    } catch (error) {
      // The stream was removed since it was looked for.
      if (isNoAnswer(error)) return this.publishOnce(subject, data, options);
      throw error;
    }
  }

  private async publishOnce(
    subject: string,
    data: Uint8Array | string,
    options?: Partial<JetStreamPublishOptions>,
  ): Promise<PubAck> {
    this.present ??= this.look();
    const looked = this.present;
    try {
      await looked;
      return await this.options.js.publish(subject, data, options);
    } catch (error) {
      if (this.present === looked && !isApiError(error)) this.present = undefined;
      throw error;
    }
  }

  private async look(): Promise<void> {
    try {
      await this.options.ensure();
    } catch (error) {
      this.present = undefined;
      if (mayBeAnsweredLater(error)) throw error;
    }
  }
}
