// `ctx.schedule` and `ctx.unschedule`: schedules that a handler makes while it runs, by their keys. What cannot be a message is refused
// here; times are read by the runtime, which has what it takes for that.

import { BAD_SCHEDULE, type ScheduleAsk } from "../message/schedule-call.ts";
import type { StartRequest } from "../wire/protocol.ts";
import { preview } from "../wire/serialize-error.ts";
import { readStoreAnswer } from "../wire/store-frame.ts";
import { type Asking, askInTurn, FEW_BYTES } from "./ask-in-turn.ts";
import { checkOptions, optionError, readEnvelope, readTimeout, type SendOptions } from "./call-options.ts";
import { assertSubject, subjectOf, type Target } from "./call-target.ts";
import { assertSendable, encodePayload } from "./encode-payload.ts";
import { packetFor } from "./nest-calls.ts";
import { statedHeaders } from "./outgoing-headers.ts";

export interface ScheduleOptions extends SendOptions {
  readonly cron?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly every?: string | undefined;
  readonly missed?: string | undefined;
}

export interface SchedulesDeps extends Asking {
  readonly start: Pick<StartRequest, "timeoutMs">;
}

const OPTIONS = ["cron", "every", "timeZone", "missed", "headers", "timeout", "envelope"] as const;
const MOST_KEY_CHARS = 200;
const NOTHING = new Uint8Array(0);

export class MessageSchedules {
  private readonly deps: SchedulesDeps;
  private readonly id: string;

  /** @param id of the message that is handled */
  constructor(deps: SchedulesDeps, id: string) {
    this.deps = deps;
    this.id = id;
  }

  async put(key: string, target: Target, data: unknown, said: string | ScheduleOptions): Promise<void> {
    assertKey(key);
    const options: ScheduleOptions = typeof said === "string" ? { cron: said } : said;
    checkOptions(options, OPTIONS, "schedule");
    const subject = subjectOf(target);
    assertSubject(subject);
    const what = `the data scheduled for "${subject}"`;
    const sent = readEnvelope(options) === "nest" ? packetFor(subject, data) : data;
    // Bytes are the author's, who may change them before they have their turn.
    const value = encodePayload(sent, what).slice();
    const headers = [...statedHeaders(options.headers ?? {})];
    assertSendable(value.length, what);
    const { cron, every, timeZone, missed } = options;
    const when = { cron, every, timeZone, missed };
    await this.ask(
      { store: "schedules", operation: "put", key, id: this.id, target: subject, when, headers },
      value,
      options,
    );
  }

  async delete(key: string): Promise<boolean> {
    assertKey(key);
    const { result } = await this.ask({ store: "schedules", operation: "delete", key, id: this.id }, NOTHING);
    return result.wasThere === true;
  }

  private async ask(ask: ScheduleAsk, value: Uint8Array, { timeout }: SendOptions = {}) {
    const timeoutMs = timeout === undefined ? this.deps.start.timeoutMs : readTimeout(timeout);
    const what = `ctx.${ask.operation === "put" ? "schedule" : "unschedule"}(${JSON.stringify(ask.key)})`;
    try {
      return readStoreAnswer(await askInTurn(this.deps, { ask, what, timeoutMs, value, answerBytes: FEW_BYTES }));
    } catch (error) {
      const { code, message } = error as Error & { readonly code?: unknown };
      throw code === BAD_SCHEDULE ? optionError("INVALID_OPTION", message) : error;
    }
  }
}

function assertKey(key: unknown): void {
  if (typeof key === "string" && key !== "" && key.length <= MOST_KEY_CHARS) return;
  const message = `the key of a schedule is a text of 1 to ${MOST_KEY_CHARS} characters, but is ${preview(key)}`;
  throw Object.assign(new TypeError(message), { code: "INVALID_NAME" });
}
