// Reads single messages of a stream of the runtime's own, which may just be being made, by another replica or by this one.
//
// R1  nats-server 2.9 stands still as a whole, and for good, when a message is asked for of a stream that it is making at that
//     moment (2.9.10: every third such request). So the stream is looked at before the first message is asked for, and twice, as
//     the server shows a stream a moment before it is done with it (asked for after the first look, it stood still at one
//     stream of 120 to 750; after the second at none of 7,000).

import type { JetStreamManager, MsgRequest, StoredMsg } from "@nats-io/jetstream";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";

export class OwnStreamReader {
  private readonly jsm: JetStreamManager;
  private readonly stream: string;
  private isMade = false;

  constructor(jsm: JetStreamManager, stream: string) {
    this.jsm = jsm;
    this.stream = stream;
  }

  /** Null where there is no such message, or no such stream. Rejects with the client's errors. */
  async get(query: MsgRequest): Promise<StoredMsg | null> {
    try {
      await this.look();
      return await this.jsm.streams.getMessage(this.stream, query);
    } catch (error) {
      if (isApiError(error, ApiCode.messageNotFound)) return null;
      if (!isApiError(error, ApiCode.streamNotFound)) throw error;
      this.isMade = false;
      return null;
    }
  }

  /** R1. */
  private async look(): Promise<void> {
    if (this.isMade) return;
    await this.jsm.streams.info(this.stream);
    await this.jsm.streams.info(this.stream);
    this.isMade = true;
  }
}
