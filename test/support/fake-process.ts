// A worker's process without a process: a test speaks for it over a pair of streams, and says how it ends.

import type { Socket } from "node:net";
import { duplexPair, PassThrough } from "node:stream";
import type { ProcessEnd } from "../../runtime/isolate/exit.ts";
import type { StartedProcess } from "../../runtime/isolate/started-process.ts";
import { FrameReader, FrameType, FrameWriter } from "../../runtime/wire/protocol.ts";

export interface FakeProcess {
  readonly started: StartedProcess;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  /** What it was told, by type of frame, and its body. */
  readonly told: { readonly type: number; readonly body: Buffer }[];
  readonly signals: NodeJS.Signals[];
  /** Resolves when it was told that. */
  heard(type: number): Promise<Buffer>;
  /** Say something to the supervisor. */
  say(type: number, body?: Buffer): void;
  sayJson(type: number, value: unknown): void;
  /** Bytes that need not be frames. */
  write(bytes: Buffer): void;
  closeSocket(): void;
  end(end?: Partial<ProcessEnd>): void;
}

/** A process id that nobody has. */
const NOBODY = 2 ** 30;

export function fakeProcess(): FakeProcess {
  const [ours, its] = duplexPair();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { promise: ended, resolve } = Promise.withResolvers<ProcessEnd>();
  const told: { type: number; body: Buffer }[] = [];
  const signals: NodeJS.Signals[] = [];
  const waiting: (() => void)[] = [];
  const reader = new FrameReader((type, bytes, start, end) => {
    told.push({ type, body: Buffer.from(bytes.subarray(start, end)) });
    for (const wake of waiting.splice(0)) wake();
  });
  its.on("data", (bytes: Buffer) => reader.push(bytes));
  const out = new FrameWriter();
  const flush = () => out.flush((batch) => void its.write(Buffer.from(batch)) === undefined);
  const end = (given: Partial<ProcessEnd> = {}) => {
    its.end();
    ours.destroy();
    stdout.end();
    stderr.end();
    resolve({ code: 0, signal: null, startError: undefined, ...given });
  };
  const kill = (signal: NodeJS.Signals) => {
    signals.push(signal);
    if (signal === "SIGKILL") end({ code: null, signal });
  };
  return {
    started: { pid: NOBODY, socket: ours as unknown as Socket, stdout, stderr, ended, kill },
    stdout,
    stderr,
    told,
    signals,
    async heard(type) {
      for (;;) {
        const frame = told.find((one) => one.type === type);
        if (frame !== undefined) return frame.body;
        await new Promise<void>((wake) => waiting.push(wake));
      }
    },
    say(type, body = Buffer.alloc(0)) {
      out.begin(type);
      out.bytes(body);
      out.end();
      flush();
    },
    sayJson(type, value) {
      out.json(type, value);
      flush();
    },
    write: (bytes) => void its.write(bytes),
    closeSocket: () => ours.destroy(),
    end,
  };
}

/** Answers as a worker of ours does, each step once it is told to take it. */
export async function answerAll(process: FakeProcess): Promise<void> {
  process.sayJson(FrameType.hello, null);
  await process.heard(FrameType.load);
  process.sayJson(FrameType.loaded, { metadata: { subject: "x" }, defaultExport: "function" });
  await process.heard(FrameType.start);
  process.sayJson(FrameType.ready, null);
}
