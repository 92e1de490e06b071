// What a version asks for in a shadow run: written down, answered, and withheld.

import { expect, it } from "vitest";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import type { ScheduleCall } from "../../../runtime/message/schedule-call.ts";
import { Recorder } from "../../../runtime/shadow/recorder.ts";

const delivery: Delivery = { subject: "s", data: new Uint8Array(0), headers: undefined, seq: 7, attempt: 1, hops: 0 };
const about = {
  store: "schedules",
  key: "k",
  id: "S:7",
  handler: "h",
  value: Buffer.from('{"a":1}'),
  timeoutMs: 1_000,
} as const;
const put = (when: unknown): ScheduleCall => ({ ...about, operation: "put", target: "t", when, headers: [["X", "y"]] });

it("no schedule is made, and none taken away; what would be refused is", async () => {
  const recorder = new Recorder("h", "S:", () => Promise.reject(new Error("nothing is asked of NATS")));
  recorder.begin(delivery);
  expect(await recorder.store(put({ cron: "@daily" }))).toMatchObject({ ok: true });
  expect(await recorder.store(put({ cron: "0 25 * * *" }))).toMatchObject({ ok: false, code: 400 });
  expect(await recorder.store({ ...about, operation: "delete" })).toEqual({ ok: true, result: { wasThere: true } });
  const { calls } = recorder.end(delivery, { kind: "returned", reply: undefined } as never, 1);
  expect(calls).toEqual([
    {
      kind: "schedule put",
      subject: "k to t",
      data: { data: { a: 1 }, when: { cron: "@daily" } },
      headers: { X: "y" },
      leaves: null,
    },
    { kind: "schedule delete", subject: "k", data: undefined, headers: {}, leaves: null },
  ]);
});
