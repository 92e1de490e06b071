// What all replicas know under one subject: its last message, in a stream of the runtime's own. Who writes says after which
// message: of two that write at once, one is told that the other was first.
//
// R1  A write that is not answered in time may have been stored all the same. What is stored says by its id whose it is, so that
//     nobody takes his own for another's, and a turn that was reserved is not lost.

import { randomBytes } from "node:crypto";
import type { JetStreamPublishOptions, StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import type { OwnStreamReader } from "./own-stream-reader.ts";
import type { OwnStreamWriter } from "./own-stream-writer.ts";

export interface Registered {
  /** Null: nothing has been written. */
  readonly message: StoredMsg | null;
  /** To be written after; 0: there is none. */
  readonly revision: number;
}

/** How long a write waits for its answer, and how often it is tried anew. */
export type RegisterPatience = Pick<Partial<JetStreamPublishOptions>, "timeout" | "retries">;

const ID_HEADER = "Nats-Msg-Id";
const ID_BYTES = 9;

export class OwnRegister {
  private readonly reader: OwnStreamReader;
  private readonly writer: OwnStreamWriter;
  private readonly patience: RegisterPatience;

  constructor(reader: OwnStreamReader, writer: OwnStreamWriter, patience: RegisterPatience) {
    this.reader = reader;
    this.writer = writer;
    this.patience = patience;
  }

  /** Rejects with the client's errors. */
  async read(subject: string): Promise<Registered> {
    const message = await this.reader.get({ last_by_subj: subject });
    return { message, revision: message?.seq ?? 0 };
  }

  /** Its revision; undefined: somebody has written since `after`. Rejects with the client's errors. */
  async write(
    subject: string,
    data: Uint8Array | string,
    after: number,
    headers?: MsgHdrs,
  ): Promise<number | undefined> {
    const msgID = randomBytes(ID_BYTES).toString("base64url");
    const expect = { lastSubjectSequence: after };
    const options = { ...this.patience, ...(headers === undefined ? {} : { headers }), msgID, expect };
    try {
      return (await this.writer.publish(subject, data, options)).seq;
    } catch (error) {
      const isAnothers = isApiError(error, ApiCode.wrongLastSequence, ApiCode.wrongLastSequenceConstant);
      if (isApiError(error) && !isAnothers) throw error;
      // R1: the client may have sent it twice.
      const stored = await this.read(subject).catch(() => undefined);
      if (stored?.message?.header?.get(ID_HEADER) === msgID) return stored.revision;
      if (isAnothers) return undefined;
      throw error;
    }
  }
}
