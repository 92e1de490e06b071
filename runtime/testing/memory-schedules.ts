// What `ctx.schedule` has made, in memory: a test looks at it when the run has ended.

import type { TestSchedule } from "../../sdk/testing.ts";
import { decodeHeaders, encodeHeaders, type HeaderPairs } from "../message/header-block.ts";
import { BAD_SCHEDULE, type ScheduleCall } from "../message/schedule-call.ts";
import type { StoreAnswer } from "../message/store-call.ts";
import type { PlannedTimes } from "../metadata/planned-times.ts";
import { readTimesSaid } from "../metadata/schedule.ts";
import { ReceivedHeaders } from "../worker/headers.ts";
import { readBytes } from "./read-bytes.ts";

type Missed = TestSchedule["missed"];

export class MemorySchedules {
  private readonly made = new Map<string, TestSchedule>();

  /** As the runtime would have it. */
  call(call: ScheduleCall): StoreAnswer {
    if (call.operation === "delete") return { ok: true, result: { wasThere: this.made.delete(call.key) } };
    const read = readTimesSaid(call.when);
    if ("problem" in read)
      return { ok: false, code: BAD_SCHEDULE, message: `ctx.schedule(${JSON.stringify(call.key)}): ${read.problem}` };
    const { times, missed } = read.value;
    this.made.set(
      call.key,
      testScheduleOf({ subject: call.target, payload: call.value, headers: call.headers, times, missed }),
    );
    return { ok: true, result: {} };
  }

  get contents(): Readonly<Record<string, TestSchedule>> {
    return Object.fromEntries(this.made);
  }
}

/** As a test reads it. */
export function testScheduleOf(made: {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: HeaderPairs;
  readonly times: PlannedTimes;
  readonly missed: Missed;
}): TestSchedule {
  const { subject, payload, headers, times, missed } = made;
  const said = times.kind === "cron" ? { cron: times.pattern, timeZone: times.timeZone } : { everyMs: times.everyMs };
  const received = new ReceivedHeaders(decodeHeaders(encodeHeaders(headers)));
  return { subject, data: readBytes(payload, received.get("Content-Type")), headers: received, ...said, missed };
}
