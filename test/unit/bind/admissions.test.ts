import { beforeEach, describe, expect, it } from "vitest";
import { Admissions } from "../../../runtime/bind/admissions.ts";
import { type FetchedContent, StreamDelivery } from "../../../runtime/bind/stream-delivery.ts";
import type { StreamDeps } from "../../../runtime/bind/stream-deps.ts";
import { StreamSettler } from "../../../runtime/bind/stream-settler.ts";
import type { GivenBack, ToWriteDown } from "../../../runtime/bind/uncharged-deliveries.ts";
import type { DeadLetter } from "../../../runtime/dead-letters/dead-letter.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import type { ResolvedMetadata } from "../../../runtime/metadata/handler-metadata.ts";
import { UnawaitedWork } from "../../../runtime/nats/unawaited-work.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { durable } from "../../support/stream-stage.ts";

let clock: FakeClock;
let sent: string[];
let accepted: Delivery[];
let buried: DeadLetter[];
let faults: unknown[];
let admissions: Admissions;
let pending: UnawaitedWork;
let answer: { resolve(known: GivenBack): void; reject(error: Error): void };
let hasRoom: boolean;
let written: ToWriteDown[];
let mayWrite: boolean;
let outputs: ResolvedMetadata["outputs"];
/** Looks for the outputs of a message. */
let look: () => Promise<boolean>;

beforeEach(() => {
  [clock, sent, accepted, buried, faults, hasRoom, mayWrite] = [fakeClock(), [], [], [], [], true, true];
  [outputs, look] = ["each", () => Promise.reject(new Error("nobody is to look"))];
  pending = new UnawaitedWork();
  written = [];
  const read = Promise.withResolvers<GivenBack>();
  answer = read;
  const deps = {
    clock,
    instance: "i",
    pending,
    notices: { tell: () => undefined },
    serverClock: { ageMs: (storedAtMs: number) => 10 - storedAtMs },
    givenBack: {
      read: () => read.promise,
      write: async (_message: unknown, known: ToWriteDown) => {
        if (!mayWrite) throw new Error("no right to");
        written.push(known);
      },
    },
    outputs: { has: () => look() },
    letters: { keep: async (letter: DeadLetter) => buried.push(letter) > 0 },
    sender: { send: (_reply: string, word: Uint8Array) => sent.push(Buffer.from(word).toString()) },
  } as unknown as StreamDeps;
  const settler = new StreamSettler({
    ...{ deps, handler: "h", stream: "S", domain: undefined, durable: "app-h" },
    ...{ onSettled: () => undefined, onRoom: () => undefined, putOffs: { add: () => "charge" as const } },
  });
  admissions = new Admissions({
    ...{ deps, handler: "h", settler, metadata: () => durable("s.a", { outputs }) },
    owner: {
      room: 1,
      accept(delivery) {
        if (hasRoom) accepted.push(delivery);
        return hasRoom;
      },
      letPass: (why) => void sent.push(why),
    },
    onRoom: () => undefined,
    onFault: (error) => faults.push(error),
  });
});

const NOTHING: GivenBack = { uncharged: 0, failure: undefined, lastBegan: false };

function delivery(deliveries: number, fetch?: () => Promise<FetchedContent>, subject = "s.a"): StreamDelivery {
  const info = { stream: "S", consumer: "app-h", deliveries, streamSequence: 7, storedAtMs: 5, pending: 0 };
  const message = {
    subject,
    seq: 7,
    origin: 0,
    storedAtMs: 5,
    data: Buffer.from("text"),
    headers: undefined,
    hops: 0,
    fetch,
  };
  return new StreamDelivery(message, "$JS.ACK.x", info);
}

/** Resolves when the promises made so far have had their turn. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Whether all is decided yet. */
async function isDecided(): Promise<boolean> {
  let decided = false;
  void admissions.decided().then(() => {
    decided = true;
  });
  await turn();
  return decided;
}

describe("what arrives", () => {
  it("for the first time is handed over at once", () => {
    admissions.decide(delivery(1));
    expect(accepted).toHaveLength(1);
  });

  it("again is undecided until it is known what was given back, and then handed over", async () => {
    admissions.decide(delivery(3));
    expect(await isDecided()).toBe(false);
    answer.resolve({ ...NOTHING, uncharged: 2 });
    await admissions.decided();
    expect(accepted).toMatchObject([{ attempt: 1 }]);
  });

  it("again is charged when nobody answers, and nothing waits for ever", async () => {
    admissions.decide(delivery(3));
    expect(await isDecided()).toBe(false);
    clock.advance(2_000);
    await admissions.decided();
    expect(accepted).toMatchObject([{ attempt: 3 }]);
  });

  it("again, with its attempts used up, comes once more when nobody answers: its failure may be known (I2)", async () => {
    admissions.decide(delivery(6));
    expect(await isDecided()).toBe(false);
    clock.advance(2_000);
    await admissions.decided();
    await pending.settled();
    expect([accepted, buried, sent]).toEqual([[], [], ['-NAK {"delay": 5000000000}']]);
  });

  it("again, with its attempts used up, is a letter where what is known of it may not be read", async () => {
    admissions.decide(delivery(6));
    answer.reject(new Error("no right to"));
    await admissions.decided();
    await pending.settled();
    expect(buried).toMatchObject([{ reason: "attempts-used" }]);
  });

  it("again, when the owner does not take it any more, goes back", async () => {
    hasRoom = false;
    admissions.decide(delivery(2));
    answer.resolve(NOTHING);
    await admissions.decided();
    await pending.settled();
    expect(sent).toEqual(['-NAK {"delay": 1000000000}']);
  });

  it("on another subject goes back, and none of its deliveries counts", async () => {
    admissions.decide(delivery(3, undefined, "s.b"));
    expect(await isDecided()).toBe(false);
    answer.resolve({ ...NOTHING, uncharged: 2 });
    await admissions.decided();
    await pending.settled();
    expect([accepted, written, sent]).toEqual([[], [{ uncharged: 3 }], ['-NAK {"delay": 30000000000}']]);
  });

  it("on another subject goes back as it is when nobody answers", async () => {
    admissions.decide(delivery(3, undefined, "s.b"));
    clock.advance(2_000);
    await admissions.decided();
    await pending.settled();
    expect([accepted, written, sent]).toEqual([[], [], ['-NAK {"delay": 5000000000}']]);
  });

  it("with its payload elsewhere goes back when that cannot be read now", async () => {
    admissions.decide(delivery(1, () => Promise.reject(new Error("no leader"))));
    await admissions.decided();
    await pending.settled();
    expect([accepted, faults, sent]).toEqual([[], [new Error("no leader")], ['-NAK {"delay": 5000000000}']]);
  });

  it("with its payload elsewhere is run with it, or becomes a dead letter when it is gone", async () => {
    admissions.decide(delivery(1, async () => ({ data: Buffer.from("large"), headers: undefined })));
    admissions.decide(delivery(1, async () => ({ missing: "it is gone" })));
    await admissions.decided();
    await pending.settled();
    expect(accepted).toMatchObject([{ data: Buffer.from("large") }]);
    expect(buried).toMatchObject([{ reason: "expired", message: "it is gone" }]);
  });

  it("again after it failed for good is kept with that failure, unrun", async () => {
    admissions.decide(delivery(4));
    const failure = { reason: "threw", message: "no card", stack: "s", version: "v", attempts: 3, instance: "other" };
    answer.resolve({ ...NOTHING, failure } as unknown as GivenBack);
    await admissions.decided();
    await pending.settled();
    expect([accepted, sent]).toEqual([[], ["+TERM"]]);
    expect(buried).toMatchObject([{ ...failure, sequence: 7, subject: "s.a" }]);
  });
});

describe("the last attempt, after others", () => {
  it("is written down before it is run", async () => {
    admissions.decide(delivery(3));
    answer.resolve(NOTHING);
    await admissions.decided();
    expect([written, accepted.map(({ attempt }) => attempt)]).toEqual([[{ uncharged: 0, lastBegan: true }], [3]]);
  });

  it("is run also where that cannot be", async () => {
    mayWrite = false;
    admissions.decide(delivery(3));
    answer.resolve(NOTHING);
    await admissions.decided();
    expect(accepted.map(({ attempt }) => attempt)).toEqual([3]);
  });

  it("has not been while nothing says so, however often the message came: it was handed out to nobody", async () => {
    admissions.decide(delivery(4));
    answer.resolve(NOTHING);
    await admissions.decided();
    expect([written, accepted.map(({ attempt }) => attempt)]).toEqual([[{ uncharged: 1, lastBegan: true }], [3]]);
  });

  it("has been when it is written down, and the message comes again: its host died in it", async () => {
    admissions.decide(delivery(4));
    answer.resolve({ ...NOTHING, lastBegan: true });
    await admissions.decided();
    await pending.settled();
    expect([accepted, buried]).toMatchObject([[], [{ reason: "attempts-used" }]]);
  });

  it("is not run twice where nothing can be written down", async () => {
    mayWrite = false;
    admissions.decide(delivery(4));
    answer.resolve(NOTHING);
    await admissions.decided();
    await pending.settled();
    expect([accepted, buried]).toMatchObject([[], [{ reason: "attempts-used" }]]);
  });
});

describe("once the handler is unbound", () => {
  it("what comes goes back unrun, and is charged nothing", async () => {
    admissions.close();
    admissions.decide(delivery(1));
    await pending.settled();
    expect([accepted.length, sent.length]).toEqual([0, 1]);
    expect(sent[0]).toMatch(/^-NAK/);
    expect(written).toEqual([{ uncharged: 1 }]);
  });
});

describe("what a server has handed out to nobody, over and over", () => {
  it("is run as the last attempt, and what does not count is written down before", async () => {
    admissions.decide(delivery(82_089));
    answer.resolve(NOTHING);
    await admissions.decided();
    expect(written).toEqual([{ uncharged: 82_086, lastBegan: true }]);
    expect(accepted.map(({ attempt }) => attempt)).toEqual([3]);
  });

  it("is the letter that was written down for it, if there is one", async () => {
    const failure = { reason: "failed", message: "bad order" } as unknown as GivenBack["failure"];
    admissions.decide(delivery(82_089));
    answer.resolve({ ...NOTHING, failure });
    await pending.settled();
    await admissions.decided();
    await pending.settled();
    expect(accepted).toEqual([]);
    expect(buried.map(({ message }) => message)).toEqual(["bad order"]);
  });
});

describe('what comes again to a handler with `outputs: "atomic"` (I10)', () => {
  beforeEach(() => {
    outputs = "atomic";
    answer.resolve(NOTHING);
  });

  it("is let pass where its outputs are stored, on its last attempt too", async () => {
    look = async () => true;
    admissions.decide(delivery(2));
    admissions.decide(delivery(9));
    await admissions.decided();
    expect([accepted, buried]).toEqual([[], []]);
    expect(sent).toEqual(["what it published is stored already", "what it published is stored already"]);
  });

  it("is run where they are not, or nobody can say", async () => {
    look = async () => false;
    admissions.decide(delivery(2));
    await admissions.decided();
    look = () => Promise.reject(new Error("no right to"));
    admissions.decide(delivery(2));
    await admissions.decided();
    expect([accepted.length, sent, faults]).toEqual([2, [], []]);
  });

  it("is run, and nothing is looked for, when it comes for the first time", () => {
    admissions.decide(delivery(1));
    expect(accepted).toHaveLength(1);
  });
});
