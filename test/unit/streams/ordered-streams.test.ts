import type { JetStreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { removeSettled } from "../../../runtime/streams/ordered-streams.ts";

const DIVISION = { subject: "shop.*", source: "SHOP", sourceCreated: "monday", wildcard: 0, partitions: 2 };
const STREAM = { name: "ORDER", division: DIVISION, createdAtMs: 0, isFed: true, begunWith: 1 };

interface Durable {
  readonly pending: number;
  readonly floor: number;
}

/** A stream that goes on growing while its durables are looked at. */
async function purgedTo(durables: readonly Durable[], lastSeq: number): Promise<number | undefined> {
  let [last, purged] = [lastSeq, undefined as number | undefined];
  const jsm = {
    streams: {
      info: async () => ({ state: { first_seq: 1, last_seq: last } }),
      purge: async (_: string, { seq }: { seq: number }) => {
        purged = seq;
      },
    },
    consumers: {
      async *list() {
        for (const [at, { pending, floor }] of durables.entries()) {
          const ack_floor = { stream_seq: floor };
          yield { name: `p${at}`, num_pending: pending, num_ack_pending: 0, ack_floor };
          last += 5_000;
        }
      },
    },
  } as unknown as JetStreamManager;
  await removeSettled(jsm, STREAM);
  return purged;
}

const idle = { pending: 0, floor: 10_000 };

it("what comes while the durables are looked at is not removed, though none of them waited for anything", async () => {
  expect(await purgedTo([idle, idle], 10_000)).toBe(9_000);
});

it("what a partition still needs stays, and all that is behind it", async () => {
  expect(await purgedTo([idle, { pending: 3, floor: 4_000 }], 10_000)).toBe(4_001);
});

it("nothing is removed before every partition has its durable, nor of a short stream", async () => {
  expect(await purgedTo([idle], 10_000)).toBeUndefined();
  expect(await purgedTo([idle, idle], 900)).toBeUndefined();
});
