import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { Placeholder } from "../../../runtime/replay/placeholder.ts";

const SUBJECT = "redrive.shop.$replay";

/** A stream of redrives: the numbers of the placeholders in it. */
function stage({ mayPurge = true, answersLost = 0 } = {}) {
  const there: number[] = [];
  let last = 0;
  const jsm = {
    streams: {
      purge: async (stream: string, { filter, seq = Number.POSITIVE_INFINITY }: { filter: string; seq?: number }) => {
        if (!mayPurge) throw refusal("$JS.API.STREAM.PURGE.REDRIVE_shop");
        expect([stream, filter]).toEqual(["REDRIVE_shop", SUBJECT]);
        there.splice(0, there.length, ...there.filter((number) => number >= seq));
        if (answersLost-- > 0) throw new errors.TimeoutError();
      },
    },
  };
  const js = {
    publish: async (subject: string) => {
      expect(subject).toBe(SUBJECT);
      there.push(++last);
      return { seq: last };
    },
  };
  const placeholder = new Placeholder(jsm as unknown as JetStreamManager, js as unknown as JetStreamClient, "shop");
  return { there, placeholder };
}

function refusal(subject: string): Error {
  const words = `Permissions Violation for Publish to "${subject}"`;
  return new errors.PermissionViolationError(words, "publish", subject);
}

it("is there from the beginning to the end", async () => {
  const { there, placeholder } = stage();
  await placeholder.put();
  expect(there).toEqual([1]);
  await placeholder.remove();
  expect(there).toEqual([]);
});

it("takes those with it that killed replays have left", async () => {
  const { there, placeholder } = stage();
  there.push(-2, -1);
  await placeholder.put();
  expect(there).toEqual([1]);
});

it("moves along after a thousand copies, and one is there all the time", async () => {
  const { there, placeholder } = stage();
  await placeholder.put();
  for (let copy = 1; copy < 1_000; copy++) await placeholder.follow();
  expect(there).toEqual([1]);
  await placeholder.follow();
  expect(there).toEqual([2]);
  for (let copy = 0; copy < 1_000; copy++) await placeholder.follow();
  expect(there).toEqual([3]);
});

it("is removed at the end, also after a removal whose answer did not come", async () => {
  const { there, placeholder } = stage({ answersLost: 1 });
  await placeholder.put();
  expect(there).toEqual([1]);
  await placeholder.remove();
  expect(there).toEqual([]);
});

it("is not put where it could not be removed", async () => {
  const { there, placeholder } = stage({ mayPurge: false });
  await placeholder.put();
  for (let copy = 0; copy < 1_000; copy++) await placeholder.follow();
  await placeholder.remove();
  expect(there).toEqual([]);
});
