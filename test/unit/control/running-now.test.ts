// What a replica says when it is asked what runs: bounded, oldest first.

import { expect, it } from "vitest";
import { runningNow } from "../../../runtime/control/running-now.ts";
import type { RunningDelivery } from "../../../runtime/deliver/route.ts";
import { encodeHeaders } from "../../../runtime/message/header-block.ts";
import { partOf } from "../../../runtime/page/running-watch.ts";

function running(n: number, ranMs: number, headers: readonly (readonly [string, string])[] = []): RunningDelivery {
  const block = headers.length === 0 ? undefined : encodeHeaders(headers);
  return {
    delivery: { subject: "s", data: new Uint8Array(n), headers: block, seq: n, attempt: 1, hops: 0, storedAtMs: 5 },
    id: `S:${n}:5`,
    ranMs,
  };
}

it("tells of each handler the fifty that run longest, and how many more there are", () => {
  const many = Array.from({ length: 70 }, (_, at) => running(at, at));
  const told = runningNow("shop", [
    { handler: "busy", deliveries: many },
    { handler: "one", deliveries: [running(1, 10.4)] },
    { handler: "none", deliveries: [] },
  ]);
  expect(told.unsaid).toBe(20);
  expect(told.running.filter(({ handler }) => handler === "busy").map(({ ranMs }) => ranMs)).toEqual(
    Array.from({ length: 50 }, (_, at) => 69 - at),
  );
  expect(told.running.at(-1)).toMatchObject({ handler: "one", id: "S:1:5", subject: "s", bytes: 1, ranMs: 10 });
});

it("a message is called as on its way, by what it says of itself", () => {
  const told = runningNow("shop", [{ handler: "a", deliveries: [running(1, 0, [["Handlers-Cause", "sent:1"]])] }]);
  expect(told.running[0]?.origin).toBe("sent:1");
});

it("the page shows what has run for a moment, and counts what it does not show", () => {
  const replica = { instance: "r1", host: "h", pid: 1, startedAtMs: 0 };
  const one = { handler: "a", id: "i", origin: "o", subject: "s", attempt: 1, bytes: 1, replica };
  const all = Array.from({ length: 130 }, (_, at) => ({ ...one, id: `i${at}`, ranMs: 10_000 - at * 90 }));
  const { rows, unsaid } = partOf({ running: all, unsaid: 4 }, 20_000);
  expect(rows.length).toBe(100);
  expect(rows[0]).toMatchObject({ id: "i0", sinceMs: 10_000, replica: "r1" });
  const long = all.filter(({ ranMs }) => ranMs >= 300).length;
  expect(unsaid).toBe(4 + long - 100);
});
