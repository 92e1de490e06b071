// The supervisor's handle on a worker, told with a process that a test speaks for.

import { beforeEach, expect, it } from "vitest";
import { CpuShortage } from "../../../runtime/isolate/cpu-shortage.ts";
import { WorkerProcess } from "../../../runtime/isolate/worker-process.ts";
import type { WorkerListener } from "../../../runtime/isolate/worker-source.ts";
import type { HandlerCall } from "../../../runtime/message/handler-call.ts";
import type { WorkerEvents } from "../../../runtime/message/worker-port.ts";
import { FrameType, FrameWriter } from "../../../runtime/wire/protocol.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { answerAll, type FakeProcess, fakeProcess } from "../../support/fake-process.ts";

const LOAD = { handler: "save", url: "file:///save.mjs", preload: [], env: {}, cwd: "/" };
const START = {
  kind: "event",
  subjects: ["x"],
  envelope: "none",
  propagate: [],
  uses: { kv: [], objects: [] },
  concurrency: 1,
  attempts: 1,
  timeoutMs: 1_000,
  app: "shop",
  idPrefixes: ["p"],
} as const;
const DELIVERY = { subject: "x", data: Buffer.from("1"), headers: undefined, seq: 1, attempt: 1, hops: 0 };

let clock: FakeClock;
let process: FakeProcess;
let worker: WorkerProcess;
let said: unknown[];
let calls: HandlerCall[];
let listener: WorkerListener;
let events: WorkerEvents;

beforeEach(() => {
  clock = fakeClock();
  process = fakeProcess();
  worker = new WorkerProcess(process.started, 64, clock, new CpuShortage(clock, () => 0));
  said = [];
  calls = [];
  listener = {
    log: ({ message }) => said.push(["log", message]),
    output: (stream, line) => said.push([stream, line]),
    outputDropped: (stream, count) => said.push([stream, count]),
    call: (call) => {
      calls.push(call);
      return new Promise(() => {});
    },
    store: () => new Promise(() => {}),
  };
  events = {
    done: (first, count) => said.push(["done", first, count]),
    ended: (id, { kind }) => said.push(["ended", id, kind]),
    chunk: (id) => said.push(["chunk", id]),
    held: (id) => said.push(["held", id]),
    begun: (id) => said.push(["begun", id]),
    alive: () => said.push(["alive"]),
    exited: ({ code, signal }) => said.push(["exited", code ?? signal]),
  };
});

async function ready(): Promise<void> {
  void answerAll(process);
  await worker.booted;
  await worker.load(LOAD, listener);
  await worker.start(START, events);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const u32 = (...numbers: number[]) => {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, at * 4);
  return bytes;
};

it("boots, loads, is set up, and runs a delivery", async () => {
  await ready();
  await worker.booted;
  worker.deliver(7, DELIVERY);
  expect(worker.isSilent).toBe(true);
  expect((await process.heard(FrameType.deliver)).readUInt32BE(0)).toBe(7);
  process.say(FrameType.done, u32(7, 1));
  await turn();
  expect(said).toEqual([["done", 7, 1]]);
  expect([worker.isSilent, worker.hadWork(), worker.hadWork()]).toEqual([false, true, false]);
});

it("what it prints reaches the author's log, and its last lines of stderr stand in the exit (W2)", async () => {
  await ready();
  process.stdout.write("one\n");
  process.stderr.write("two\nthree");
  process.end({ code: 3 });
  expect((await worker.exited).lastOutput).toEqual(["two", "three"]);
  expect(said).toEqual(
    expect.arrayContaining([
      ["stdout", "one"],
      ["stderr", "two"],
      ["stderr", "three"],
    ]),
  );
  expect(said.at(-1)).toEqual(["exited", 3]);
  expect(worker.isAtFault).toBe(true);
});

it("a load fails with what the bundle throws, and with the end of the process", async () => {
  process.sayJson(FrameType.hello, null);
  await worker.booted;
  const failed = worker.load(LOAD, listener);
  await process.heard(FrameType.load);
  process.sayJson(FrameType.loadFailed, { error: { name: "Error", message: "no such thing", stack: "" } });
  await expect(failed).rejects.toMatchObject({ where: "import", message: "no such thing" });
  const again = worker.inspect(LOAD, listener);
  process.end({ code: 5 });
  await expect(again).rejects.toMatchObject({ where: "exit", message: "the process ended with exit code 5" });
});

it("one that ends before it has booted is no worker", async () => {
  process.stderr.write("no memory\n");
  process.end({ code: 1 });
  await expect(worker.booted).rejects.toMatchObject({
    code: "WORKER_CRASHED",
    message: "a worker ended with exit code 1 before it had booted: no memory",
  });
});

for (const [what, speak] of [
  ["garbage", () => process.write(Buffer.alloc(64))],
  ["a frame that does not fit to how far it has come", () => process.sayJson(FrameType.hello, null)],
  ["a count beyond its frame", () => process.say(FrameType.done, Buffer.alloc(2))],
  ["JSON beyond all measure", () => process.sayJson(FrameType.log, { message: "x".repeat(5 * 1024 * 1024) })],
  ["an end of the socket without an end of the process", () => process.closeSocket()],
] as const) {
  it(`${what} ends the worker, which says so (W3)`, async () => {
    await ready();
    speak();
    while (process.signals.length === 0) {
      await turn();
      clock.advance(100);
    }
    expect(await worker.exited).toMatchObject({
      signal: "SIGKILL",
      killedBecause: expect.stringMatching(/^it broke the protocol \(/),
    });
    expect(worker.isAtFault).toBe(true);
  });
}

it("told to stop it has its time, and is killed then", async () => {
  await ready();
  const stopped = worker.stop(500, clock);
  await process.heard(FrameType.stop);
  process.sayJson(FrameType.stopped, { name: "Error", message: "in teardown", stack: "" });
  await turn();
  clock.advance(500);
  expect(await stopped).toMatchObject({ killed: true, teardownError: { message: "in teardown" } });
  expect(worker.isAtFault).toBe(false);
});

it("its requests end with it", async () => {
  await ready();
  process.say(FrameType.request, requestBody("asked"));
  await turn();
  const [asked] = calls;
  expect([asked?.subject, asked?.gone.aborted]).toEqual(["asked", false]);
  process.end();
  await worker.exited;
  expect(asked?.gone.aborted).toBe(true);
});

it("Node's word of where its inspector is goes to who asked for it, and to nobody's log", async () => {
  await ready();
  const where = worker.whereBlocked();
  expect(process.signals).toEqual(["SIGUSR1"]);
  process.stderr.write(
    "Debugger listening on ws://127.0.0.1:1/none\nFor help, see: https://nodejs.org/x\nthe author's\n",
  );
  expect(await where).toBeUndefined(); // Nobody listens there.
  expect(said).toEqual([["stderr", "the author's"]]);
});

function requestBody(subject: string): Buffer {
  const out = new FrameWriter();
  out.u32(1);
  out.u32(1_000);
  out.u53(1);
  out.u53(0);
  out.u8(0);
  out.u8(0);
  out.u32(1);
  out.shortText(subject);
  out.block(Buffer.alloc(0));
  let body = Buffer.alloc(0);
  out.flush((batch) => {
    body = Buffer.from(batch);
    return true;
  });
  return body;
}
