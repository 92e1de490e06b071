import { JetStreamApiError, type JetStreamClient } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { errors } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { IntentStore } from "../../../runtime/control/intent-store.ts";
import { ServerClock } from "../../../runtime/nats/server-clock.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const INTENT = { disabled: true, by: "ana", reason: "", sinceMs: 1, now: false };

/** A bucket that takes no word. */
function refusing(error: Error, clock = fakeClock()): IntentStore {
  const kv: Partial<KV> = { put: () => Promise.reject(error) };
  return new IntentStore({} as JetStreamClient, kv as KV, "today", "shop", clock, new ServerClock(clock));
}

it("what the server says when it takes no word is told in its words", async () => {
  const full = { code: 503, err_code: 10_077, description: "no space left on device" };
  await expect(refusing(new JetStreamApiError(full)).put("price", INTENT)).rejects.toMatchObject({
    code: "NATS_REFUSED",
    message: expect.stringMatching(
      /^the bucket "shop_handlers" .* is refused: the server says "no space left on device" \(10077\)$/,
    ),
    remedy: expect.stringContaining("Check the disk of the server"),
  });
});

it("a server that does not answer is asked again, and after 30 s is unreachable, and not a stack", async () => {
  const clock = fakeClock();
  const put = refusing(new errors.TimeoutError(), clock).put("price", INTENT);
  const told = expect(put).rejects.toMatchObject({
    code: "NATS_UNREACHABLE",
    message: expect.stringContaining("does not answer within 30 s"),
  });
  clock.advance(30_000);
  await told;
});

it("a word that was lost while the cluster chose a leader is put again", async () => {
  const clock = fakeClock();
  let puts = 0;
  const put = () => (++puts === 1 ? Promise.reject(new errors.TimeoutError()) : Promise.resolve(7));
  const kv: Partial<KV> = { put };
  const store = new IntentStore({} as JetStreamClient, kv as KV, "today", "shop", clock, new ServerClock(clock));
  const putting = store.put("price", INTENT);
  await new Promise(setImmediate); // Refused, and to be begun again.
  clock.advance(1_000);
  expect(await putting).toEqual({ bucket: "today", name: "price", revision: 7 });
});

it("a share of a handler's first messages is taken again from what stands there when another replica was first", async () => {
  const clock = fakeClock();
  const first = { count: 5, left: 5, saidMs: 1 };
  let entry = { text: JSON.stringify({ ...INTENT, disabled: false, first }), revision: 1 };
  const other = JSON.stringify({ ...INTENT, disabled: false, first: { ...first, left: 2 } });
  const kv = {
    get: async () => ({ operation: "PUT", revision: entry.revision, string: () => entry.text }),
    put: async (_key: string, text: string, { previousSeq }: { previousSeq: number }) => {
      if (entry.revision === 1) entry = { text: other, revision: 2 };
      if (previousSeq !== entry.revision)
        throw new JetStreamApiError({ code: 400, err_code: 10_071, description: "wrong last sequence" });
      entry = { text, revision: 3 };
      return 3;
    },
  };
  const store = new IntentStore(
    {} as JetStreamClient,
    kv as unknown as KV,
    "today",
    "shop",
    clock,
    new ServerClock(clock),
  );
  expect(await store.letThrough("save", first, 3)).toBe(2);
  expect(JSON.parse(entry.text)).toMatchObject({ disabled: true, reason: "5 messages were let through" });
});
