// What a run does towards the outside, written down; the test says what comes of it.

import type { HandlerRun, RunHandlerOptions, SentMessage } from "../../sdk/testing.ts";
import type { CallAnswer, HandlerCall, Later } from "../message/handler-call.ts";
import { decodeHeaders } from "../message/header-block.ts";
import { isOfSchedules, type ScheduleCall } from "../message/schedule-call.ts";
import type { StoreAnswer, StoreCall } from "../message/store-call.ts";
import type { Uses } from "../metadata/handler-metadata.ts";
import type { LogRecord } from "../wire/log-record.ts";
import { contentTypeIn } from "../worker/content-type.ts";
import { encodePayload } from "../worker/encode-payload.ts";
import { ReceivedHeaders } from "../worker/headers.ts";
import type { LoopbackEnd } from "./loopback-link.ts";
import { MemoryOnce } from "./memory-once.ts";
import { MemorySchedules } from "./memory-schedules.ts";
import { MemoryStores } from "./memory-stores.ts";
import { readBytes } from "./read-bytes.ts";

type Answers = Pick<RunHandlerOptions, "answer" | "onPublish" | "kv" | "objects" | "once">;

export const TAKEN: CallAnswer = { ok: true, body: new Uint8Array(0) };

export class Observed implements LoopbackEnd {
  readonly published: SentMessage[] = [];
  readonly requested: SentMessage[] = [];
  readonly logs: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  private readonly stores: MemoryStores;
  private readonly once: MemoryOnce;
  private readonly schedules = new MemorySchedules();
  private readonly answers: Answers;

  constructor(answers: Answers, uses: Uses) {
    this.answers = answers;
    this.stores = new MemoryStores(answers, uses);
    this.once = new MemoryOnce(answers.once);
  }

  log({ level, message, fields = {} }: LogRecord): void {
    this.logs.push({ level, message, fields });
  }

  async call(call: HandlerCall): Promise<CallAnswer> {
    const sent = messageOf(call);
    try {
      return call.kind === "publish" ? await this.publish(sent) : await this.request(sent);
    } catch (error) {
      return refusal(call, error);
    }
  }

  async store(call: StoreCall | ScheduleCall): Promise<StoreAnswer> {
    if (isOfSchedules(call)) return this.schedules.call(call);
    return this.once.takes(call) ? this.once.call(call) : this.stores.call(call);
  }

  /** As the run has left them. */
  get kept(): Pick<HandlerRun, "kv" | "objects" | "schedules"> {
    const { contents: schedules } = this.schedules;
    return { kv: this.stores.contentsOf("kv"), objects: this.stores.contentsOf("objects"), schedules };
  }

  /** By the name of the part: of one message. */
  get keptOnce(): HandlerRun["once"] {
    return this.once.contents;
  }

  private async publish(sent: SentMessage): Promise<CallAnswer> {
    this.published.push(sent);
    await this.answers.onPublish?.(sent);
    return TAKEN;
  }

  private async request(sent: SentMessage): Promise<CallAnswer> {
    this.requested.push(sent);
    return answerOf(sent, this.answers.answer);
  }
}

/** Rejects with what the test's `answer` throws, and where there is none. */
export async function answerOf(sent: SentMessage, answer: RunHandlerOptions["answer"]): Promise<CallAnswer> {
  if (answer === undefined) throw Object.assign(new Error("nobody takes this subject"), { code: 503 });
  return { ok: true, body: encodePayload(await answer(sent), `the answer to "${sent.subject}"`) };
}

export function refusal({ kind, subject }: Pick<HandlerCall, "kind" | "subject">, error: unknown): CallAnswer {
  const message = `${kind} to "${subject}": ${error instanceof Error ? error.message : String(error)}`;
  return { ok: false, code: codeOf(error), message };
}

/** As a receiver would read it. */
export function messageOf(
  call: Pick<HandlerCall, "subject" | "headers" | "payload" | "messageId" | "later">,
): SentMessage {
  const headers = Buffer.from(call.headers);
  return {
    subject: call.subject,
    data: readBytes(call.payload, contentTypeIn(headers)),
    headers: new ReceivedHeaders(decodeHeaders(headers)),
    id: call.messageId,
    ...(call.later === undefined ? {} : { leaves: leavesOf(call.later) }),
  };
}

function leavesOf(later: Later): SentMessage["leaves"] {
  return later.kind === "delay" ? { delayMs: later.delayMs } : { at: new Date(later.atMs) };
}

function codeOf(error: unknown): number {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "number" ? code : 500;
}
