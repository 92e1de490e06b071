// Writes down what a version does, message by message, and answers what it asks for: nothing of it leaves.

import { explain } from "../deliver/settle.ts";
import type { Delivery } from "../message/delivery.ts";
import type { CallAnswer, HandlerCall } from "../message/handler-call.ts";
import { messageIdOf } from "../message/message-id.ts";
import type { Outcome } from "../message/outcome.ts";
import { BAD_SCHEDULE, isOfSchedules, type ScheduleCall } from "../message/schedule-call.ts";
import {
  type CarryStoreCall,
  isRead,
  type StoreAnswer,
  type StoreCall,
  type StoreResult,
} from "../message/store-call.ts";
import { readTimesSaid } from "../metadata/schedule.ts";
import type { LogRecord } from "../wire/log-record.ts";
import {
  readable,
  type Seen,
  type SeenCall,
  type SeenLine,
  seenCall,
  seenLine,
  seenSchedule,
  seenWrite,
} from "./seen.ts";

const TAKEN: CallAnswer = { ok: true, body: new Uint8Array(0) };

interface Page {
  readonly calls: SeenCall[];
  readonly logs: SeenLine[];
  readonly replies: unknown[];
}

export class Recorder {
  private readonly handler: string;
  private readonly idPrefix: string;
  private readonly readStore: CarryStoreCall;
  private readonly pages = new Map<string, Page>();

  constructor(handler: string, idPrefix: string, readStore: CarryStoreCall) {
    this.readStore = readStore;
    this.handler = handler;
    this.idPrefix = idPrefix;
  }

  /** From now on there may be something to write down of it: what an earlier run of it did is forgotten. */
  begin(delivery: Delivery): void {
    this.pages.set(this.idOf(delivery), { calls: [], logs: [], replies: [] });
  }

  /** A publish is taken, as a stream would; nobody answers a request. */
  call(call: HandlerCall): CallAnswer {
    this.pages.get(this.idOfCall(call))?.calls.push(seenCall(call));
    if (call.kind === "publish") return TAKEN;
    return { ok: false, code: 503, message: `request to "${call.subject}": withheld, as this is a shadow run` };
  }

  /** What is read from a bucket is what is there; what is written is taken, and not seen by what is read later. */
  async store(call: StoreCall | ScheduleCall): Promise<StoreAnswer> {
    if (isOfSchedules(call)) return this.schedule(call);
    if (isRead(call)) return this.readStore(call);
    this.pages.get(call.id)?.calls.push(seenWrite(call));
    return { ok: true, result: writtenResult(call) };
  }

  /** No schedule is made, and none taken away; what would be refused is. */
  private schedule(call: ScheduleCall): StoreAnswer {
    const read = call.operation === "put" ? readTimesSaid(call.when) : undefined;
    if (read !== undefined && "problem" in read) return { ok: false, code: BAD_SCHEDULE, message: read.problem };
    this.pages.get(call.id)?.calls.push(seenSchedule(call));
    return { ok: true, result: { wasThere: true } };
  }

  log(record: LogRecord): void {
    this.pages.get(record.id ?? "")?.logs.push(seenLine(record));
  }

  chunk(delivery: Delivery, data: Uint8Array): void {
    this.pages.get(this.idOf(delivery))?.replies.push(readable(data));
  }

  /** All of it, once it has ended. */
  end(delivery: Delivery, outcome: Outcome, tookMs: number): Seen {
    const id = this.idOf(delivery);
    const { calls, logs, replies } = this.pages.get(id) ?? { calls: [], logs: [], replies: [] };
    this.pages.delete(id);
    const reply = outcome.kind === "returned" && outcome.reply !== undefined ? readable(outcome.reply) : undefined;
    const error = outcome.kind === "returned" ? "" : explain(outcome);
    return { outcome: outcome.kind, error, reply, replies, calls, logs, tookMs };
  }

  private idOf({ seq, storedAtMs }: Delivery): string {
    return messageIdOf(this.idPrefix, seq, storedAtMs);
  }

  /** A call's id is that of its message between the handler's name, and its number and subject (message-id.ts). */
  private idOfCall({ messageId, subject }: HandlerCall): string {
    const numbered = messageId.slice(this.handler.length + 1, -subject.length - 1);
    return numbered.slice(0, numbered.lastIndexOf(":"));
  }
}

/** As if it had been written; of an object, as if there had been one to delete. */
function writtenResult({ store, key, value }: StoreCall): StoreResult {
  return store === "kv" ? { revision: 1 } : { object: { name: key, size: value.length, digest: "", atMs: 0 } };
}
