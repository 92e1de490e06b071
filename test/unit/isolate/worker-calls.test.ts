// What one worker may have under way in the supervisor.

import { describe, expect, it } from "vitest";
import { WorkerCalls } from "../../../runtime/isolate/worker-calls.ts";
import type { CallAnswer, HandlerCall } from "../../../runtime/message/handler-call.ts";
import { writeTogether } from "../../../runtime/wire/call-frame.ts";
import { FrameReader, FrameType, FrameWriter } from "../../../runtime/wire/protocol.ts";

function worker(concurrency: number, atOnce: () => CallAnswer | undefined = () => undefined) {
  const writer = new FrameWriter();
  const calls: { call: HandlerCall; answer: (answer: CallAnswer) => void }[] = [];
  const held: string[] = [];
  const kept: [number, boolean][] = [];
  const workerCalls = new WorkerCalls(
    {
      out: { writer, schedule: () => {} },
      reader: { hold: () => held.push("hold"), release: () => held.push("release") },
      floodTurns: { published: () => {} },
      outcomes: { keep: async (id, answering) => void kept.push([id, (await answering).ok]) },
    },
    { handler: "h", idPrefixes: ["p"] },
    { concurrency },
    (call) => atOnce() ?? new Promise((answer) => calls.push({ call, answer })),
  );
  const unanswered: string[] = [];
  const answers = () => {
    const found: { number: number; status: number }[] = [];
    const reader = new FrameReader((type, bytes, start, end) => {
      if (type === FrameType.unanswered) unanswered.push(bytes.toString("utf8", start, end));
      if (type === FrameType.answer)
        found.push({ number: bytes.readUInt32BE(start), status: bytes.readUInt16BE(start + 4) });
    });
    writer.flush((batch) => {
      reader.push(batch);
      return true;
    });
    return found;
  };
  return {
    calls,
    held,
    kept,
    /** Read with the answers. */
    unanswered,
    answers,
    end: () => workerCalls.end(),
    send: (type: number, n: number, size = 0) => send(workerCalls, type, n, size),
  };
}

function send(calls: WorkerCalls, type: number, number: number, size: number): void {
  const out = new FrameWriter();
  out.u32(number);
  out.u32(1_000);
  out.u53(1);
  out.u53(0);
  out.u8(0);
  out.u8(0);
  out.u32(1);
  out.shortText("asked");
  out.block(Buffer.alloc(0));
  out.bytes(Buffer.alloc(size));
  out.flush((bytes) => {
    calls.onFrame(type, Buffer.from(bytes), 0, bytes.length);
    return true;
  });
}

it("requests beyond what a worker of ours makes are refused, and others are not held up by them (C2)", async () => {
  const { calls, held, answers, send } = worker(1);
  for (let n = 0; n < 1_030; n++) send(FrameType.request, n, 10_000);
  expect([calls.length, held]).toEqual([1_024, []]);
  expect(answers()).toEqual([1_024, 1_025, 1_026, 1_027, 1_028, 1_029].map((number) => ({ number, status: 429 })));
  calls[0]!.answer({ ok: true, body: Buffer.from("1") });
  await new Promise((resolve) => setImmediate(resolve));
  send(FrameType.request, 2_000);
  expect([calls.length, answers()]).toEqual([1_025, [{ number: 0, status: 0 }]]);
});

it("a handler that runs more messages at a time may ask for each of them", () => {
  const { calls, send } = worker(5_000);
  for (let n = 0; n < 5_000; n++) send(FrameType.request, n);
  expect(calls.length).toBe(5_000);
});

it("publishes that are not answered hold up the worker (C1)", async () => {
  const { calls, held, send } = worker(1);
  for (let n = 0; n < 3; n++) send(FrameType.publish, n, 500_000);
  expect(held).toEqual(["hold"]);
  for (const { answer } of calls) answer({ ok: true, body: Buffer.alloc(0) });
  await new Promise((resolve) => setImmediate(resolve));
  expect(held).toEqual(["hold", "release"]);
});

it("what is under way is given up when the worker has ended, and not answered (C3)", async () => {
  const { calls, answers, send, end } = worker(1);
  send(FrameType.request, 1);
  end();
  expect(calls[0]!.call.gone.aborted).toBe(true);
  calls[0]!.answer({ ok: true, body: Buffer.from("1") });
  await new Promise((resolve) => setImmediate(resolve));
  expect(answers()).toEqual([]);
});

describe("what only goes to the connection (C4)", () => {
  const sent: CallAnswer = { ok: true, body: new Uint8Array(0), restUnanswered: true };

  it("needs no answer any more, of which the worker is told once", () => {
    const { answers, unanswered, kept, send } = worker(1, () => sent);
    send(FrameType.publish, 1);
    send(FrameType.publish, 2);
    answers();
    expect(unanswered).toEqual(["asked"]);
    send(FrameType.publishUnanswered, 7);
    expect([answers(), kept]).toEqual([[], []]);
  });

  it("while it waits for its turn holds up how its delivery ends, and the worker beyond a bound", async () => {
    const answering: (CallAnswer | undefined)[] = [sent];
    const { answers, unanswered, kept, held, calls, send } = worker(1, () => answering.shift());
    send(FrameType.publish, 1);
    for (let n = 0; n < 3; n++) send(FrameType.publishUnanswered, 7, 500_000);
    expect(held).toEqual(["hold"]);
    for (const { answer } of calls) answer(sent);
    await new Promise((resolve) => setImmediate(resolve));
    answers();
    expect([kept, held, unanswered]).toEqual([
      [
        [7, true],
        [7, true],
        [7, true],
      ],
      ["hold", "release"],
      ["asked"],
    ]);
  });

  it("and cannot leave, or goes into a stream now, has each be answered again", async () => {
    for (const answer of [
      { ok: true, body: new Uint8Array(0) } as const,
      { ok: false, code: 503, message: "away" } as const,
    ]) {
      const answering = [sent, answer, sent];
      const { answers, unanswered, kept, send } = worker(1, () => answering.shift());
      send(FrameType.publish, 1);
      send(FrameType.publishUnanswered, 7);
      await new Promise((resolve) => setImmediate(resolve));
      answers();
      expect([unanswered, kept]).toEqual([["asked", ""], answer.ok ? [] : [[7, false]]]);
      send(FrameType.publish, 2);
      answers();
      expect(unanswered).toEqual(["asked", "", "asked"]);
    }
  });
});

describe("what a run publishes together (C5)", () => {
  function published(calls: WorkerCalls, number: number, deliveryId: number, count: number): void {
    const out = new FrameWriter();
    out.u32(number);
    writeTogether(out, deliveryId, count);
    out.u32(1_000);
    out.u53(1);
    out.u53(0);
    out.u8(0);
    out.u8(0);
    out.u32(number);
    out.shortText(`s.${number}`);
    out.block(Buffer.alloc(0));
    out.bytes(Buffer.alloc(1_000_000));
    out.flush((bytes) => {
      calls.onFrame(FrameType.publishTogether, Buffer.from(bytes), 0, bytes.length);
      return true;
    });
  }

  function workerOf(refused?: string) {
    const stored: string[][] = [];
    const held: string[] = [];
    const answers: CallAnswer[] = [];
    const calls = new WorkerCalls(
      {
        out: { writer: new FrameWriter(), schedule: () => {} },
        reader: { hold: () => held.push("hold"), release: () => held.push("release") },
        floodTurns: { published: () => {} },
        outcomes: { keep: async () => {} },
      },
      { handler: "h", idPrefixes: ["p"] },
      { concurrency: 1 },
      async (call) => {
        const answer: CallAnswer =
          call.subject === refused
            ? { ok: false, code: 413, message: "too large" }
            : await call.together!.carryOut(call, async (all) => {
                stored.push(all.map(({ subject }) => subject));
                return { ok: true, body: new Uint8Array(0) };
              });
        answers.push(answer);
        return answer;
      },
    );
    return { calls, stored, held, answers };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it("is carried out for each delivery by itself, however large, and the worker is read meanwhile", async () => {
    const { calls, stored, held } = workerOf();
    published(calls, 1, 7, 2);
    published(calls, 2, 8, 1);
    published(calls, 3, 7, 2);
    await settled();
    expect(stored).toEqual([["s.2"], ["s.1", "s.3"]]);
    expect(held).toEqual([]);
    // The number of the delivery is another one's by then.
    published(calls, 4, 7, 1);
    await settled();
    expect(stored.at(-1)).toEqual(["s.4"]);
  });

  it("comes to nothing where one of them is refused on its way", async () => {
    const { calls, stored, answers } = workerOf("s.2");
    for (const number of [1, 2, 3]) published(calls, number, 7, 3);
    await settled();
    expect(stored).toEqual([]);
    expect(answers.map((answer) => answer.ok || answer.code)).toEqual([413, 413, 413]);
  });

  it("comes to nothing where the worker ends in the middle of it", async () => {
    const { calls, stored, answers } = workerOf();
    published(calls, 1, 7, 2);
    calls.end();
    await settled();
    expect([stored, answers.map(({ ok }) => ok)]).toEqual([[], [false]]);
  });
});
