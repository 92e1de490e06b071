// The client's own parser and ours, side by side: the same bytes, cut in the same places, must give the same messages.

import { Parser } from "@nats-io/nats-core/internal";
import { expect, test } from "vitest";
import { type ParserLike, teach } from "../../runtime/nats/fast-parser.ts";

interface Told {
  readonly kind: string;
  readonly text: string;
}

class Recorder {
  readonly told: Told[] = [];
  push(event: { kind: number; msg?: unknown; data?: Uint8Array }): void {
    if (event.msg !== undefined)
      return this.processMsg(event.msg as Parameters<Recorder["processMsg"]>[0], event.data!);
    this.told.push({
      kind: String(event.kind),
      text: event.data === undefined ? "" : Buffer.from(event.data).toString(),
    });
  }
  processMsg(
    message: { subject: Uint8Array; reply?: Uint8Array | undefined; sid: number; hdr: number; size: number },
    data: Uint8Array,
  ): void {
    const { sid, hdr, size } = message;
    const subject = Buffer.from(message.subject).toString();
    const reply = message.reply === undefined ? "-" : Buffer.from(message.reply).toString();
    this.told.push({
      kind: "message",
      text: `${subject} ${reply} ${sid} ${hdr} ${size} ${Buffer.from(data).toString("latin1")}`,
    });
  }
}

type ParserClass = new (recorder: Recorder) => ParserLike;
const Plain = Parser as unknown as ParserClass;
// A class of its own, so that the client's stays as it is for the comparison.
class Cutting extends (Parser as unknown as ParserClass) {}
(Cutting.prototype as ParserLike).parse = Plain.prototype.parse;
teach(Cutting.prototype as ParserLike);

function run(kind: ParserClass, chunks: readonly Buffer[]): Told[] {
  const recorder = new Recorder();
  const parser = new kind(recorder);
  for (const chunk of chunks) parser.parse(Buffer.from(chunk));
  return recorder.told;
}

/** A small generator with a seed, so that a failure can be repeated (Numerical Recipes, linear congruential). */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function operation(pick: (below: number) => number): string {
  const subject = ["a", "todo.newitem", "x.y.z-1_2", "_INBOX.abc.1"][pick(4)]!;
  const reply = pick(2) === 0 ? "" : `${["_INBOX.r.1", "$JS.ACK.S.d.1.2.3.4.5", "12"][pick(3)]!} `;
  const payload =
    "p".repeat([0, 1, 5, 200, 3_000, 70_000][pick(30) === 0 ? 5 : pick(5)]!) +
    (pick(3) === 0 ? "\r\nMSG x 1 1\r\n" : "");
  switch (pick(8)) {
    case 0:
      return "PING\r\n";
    case 1:
      return "PONG\r\n";
    case 2:
      return "+OK\r\n";
    case 3:
      return 'INFO {"server_id":"x"}\r\n';
    case 4: {
      const headers = `NATS/1.0\r\nA: ${"b".repeat(pick(50))}\r\n\r\n`;
      return `HMSG ${subject} ${pick(1_000)} ${reply}${headers.length} ${headers.length + payload.length}\r\n${headers}${payload}\r\n`;
    }
    default:
      return `MSG ${subject} ${pick(1_000)} ${reply}${payload.length}\r\n${payload}\r\n`;
  }
}

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  "the same messages come out, however the stream is cut (seed %i)",
  (seed) => {
    const pick = seeded(seed);
    const stream = Buffer.from(Array.from({ length: 40 }, () => operation(pick)).join(""));
    const largest = [7, 64, 1_000, 65_536][seed % 4]!;
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = 1 + pick(largest);
      chunks.push(stream.subarray(at, at + size));
      at += size;
    }
    expect(run(Cutting, chunks)).toEqual(run(Plain, chunks));
  },
);

test("a stream cut at every single byte gives the same messages", () => {
  const pick = seeded(4711);
  const stream = Buffer.from(
    Array.from({ length: 12 }, () => operation(pick))
      .join("")
      .replaceAll("p".repeat(3_000), "p"),
  );
  const chunks = Array.from(stream, (byte) => Buffer.from([byte]));
  expect(run(Cutting, chunks)).toEqual(run(Plain, chunks));
});

test("unusual but legal spelling is the client's own business", () => {
  const stream = [Buffer.from("msg a 1 2\r\nhi\r\nMSG\ta\t1\t2\r\nho\r\nMSG a  1 2\r\nhu\r\n")];
  expect(run(Cutting, stream)).toEqual(run(Plain, stream));
});

test("what is no protocol is refused as before", () => {
  expect(() => run(Cutting, [Buffer.from("nonsense\r\n")])).toThrow();
});
