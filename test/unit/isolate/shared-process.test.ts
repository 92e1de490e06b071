// Workers of several handlers in one process, told with a process that a test speaks for.

import { beforeEach, expect, it } from "vitest";
import { CpuShortage } from "../../../runtime/isolate/cpu-shortage.ts";
import { SharedProcess } from "../../../runtime/isolate/shared-process.ts";
import { WorkerProcess } from "../../../runtime/isolate/worker-process.ts";
import type { HandlerWorker, WorkerListener } from "../../../runtime/isolate/worker-source.ts";
import { PAST_TIMEOUT, type WorkerExit } from "../../../runtime/message/outcome.ts";
import type { WorkerEvents } from "../../../runtime/message/worker-port.ts";
import { channelOpening, FrameType, FrameWriter, OUTPUT_MARK } from "../../../runtime/wire/protocol.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { type FakeProcess, fakeProcess } from "../../support/fake-process.ts";

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
let fake: FakeProcess;
let shared: SharedProcess;
let said: string[];

const turn = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(async () => {
  clock = fakeClock();
  fake = fakeProcess();
  said = [];
  const process = new WorkerProcess(fake.started, 64, clock, new CpuShortage(clock, () => 0));
  fake.sayJson(FrameType.hello, null);
  await process.booted;
  shared = new SharedProcess(process, clock);
});

/** Says the frame on the channel, as the worker does. */
function say(channel: number, type: number, body = "null"): void {
  const out = new FrameWriter(1_024, channelOpening(channel));
  out.begin(type);
  out.text(body);
  out.end();
  out.flush((batch) => {
    fake.write(Buffer.from(batch));
    return true;
  });
}

function done(channel: number, id: number): void {
  say(channel, FrameType.done, `\0\0\0${String.fromCharCode(id)}\0\0\0\u0001`);
}

const listenerOf = (name: string): WorkerListener => ({
  log: ({ message }) => said.push(`${name} log ${message}`),
  output: (_, line) => said.push(`${name} ${line}`),
  outputDropped: () => undefined,
  call: () => new Promise(() => {}),
  store: () => new Promise(() => {}),
});

const eventsOf = (name: string): WorkerEvents => ({
  done: (first, count) => said.push(`${name} done ${first}+${count}`),
  ended: (id, { kind }) => said.push(`${name} ${kind} ${id}`),
  deferred: (id, leaseMs) => said.push(`${name} deferred ${id} for ${leaseMs} ms`),
  chunk: () => undefined,
  held: () => undefined,
  begun: () => undefined,
  alive: () => said.push(`${name} alive`),
  exited: ({ dueTo = "own" }) => said.push(`${name} exited ${dueTo}`),
});

async function served(name: string, channel: number): Promise<HandlerWorker> {
  const onServing = () => void said.push(`${name} serves`);
  const worker = shared.join({ url: "file:///program.mjs", member: name, onServing });
  const request = { handler: name, url: "file:///own.mjs", preload: [], env: {}, cwd: "/" };
  const loading = worker.load(request, listenerOf(name));
  say(channel, FrameType.loaded, JSON.stringify({ metadata: { subject: "x" }, defaultExport: "function" }));
  await loading;
  const starting = worker.start(START, eventsOf(name));
  say(channel, FrameType.ready);
  await starting;
  return worker;
}

it("each has a channel: what it is told and says is its own, and it loads its part of the program", async () => {
  const [one, two] = [await served("one", 1), await served("two", 2)];
  one.deliver(1, DELIVERY);
  two.deliver(1, DELIVERY);
  await turn();
  done(2, 1);
  done(1, 1);
  await turn();
  expect(said).toEqual(["one serves", "two serves", "two done 1+1", "one done 1+1"]);
  const loads = fake.told.filter(({ type }) => type === FrameType.load).map(({ body }) => JSON.parse(String(body)));
  expect(loads.map(({ url, member }) => [url, member])).toEqual([
    ["file:///program.mjs", "one"],
    ["file:///program.mjs", "two"],
  ]);
  const channels = fake.told.filter(({ type }) => type === FrameType.channel).map(({ body }) => body.readUInt16BE(0));
  expect(channels).toEqual([1, 1, 2, 2, 1, 2]);
});

it("one that is deferred is, as in a process of its own", async () => {
  const one = await served("one", 1);
  one.deliver(1, DELIVERY);
  say(1, FrameType.deferred, "\0\0\0\u0001\0\0\u0001\0");
  await turn();
  expect(said).toEqual(["one serves", "one deferred 1 for 256 ms"]);
});

it("frames of a channel that nobody has opened break the protocol", async () => {
  say(7, FrameType.ready);
  await shared.exited;
  expect(fake.signals).toEqual(["SIGKILL"]);
});

it("one that is stopped is let go of, and the process ends with the last of them (H1, H2)", async () => {
  const [one, two] = [await served("one", 1), await served("two", 2)];
  const stopped = one.stop(1_000, clock);
  await turn();
  say(1, FrameType.stopped);
  expect(await stopped).toMatchObject({ killed: false, exit: { code: 0 } });
  await one.exited;
  expect([fake.signals, shared.isOpen]).toEqual([[], true]);
  const last = two.stop(1_000, clock);
  await turn();
  expect(fake.told.filter(({ type }) => type === FrameType.stop).length).toBe(2);
  say(2, FrameType.stopped);
  await last;
  expect(shared.isOpen).toBe(false);
  await turn();
  expect(fake.told.filter(({ type }) => type === FrameType.stop).length).toBe(3);
  fake.end();
  await shared.exited;
});

it("one whose teardown does not end is let go of after its grace, and the others stay", async () => {
  const [one] = [await served("one", 1), await served("two", 2)];
  const stopped = one!.stop(1_000, clock);
  clock.advance(1_000);
  expect(await stopped).toMatchObject({ killed: true });
  expect([fake.signals, shared.isOpen]).toEqual([[], true]);
});

it("one that throws as it is loaded is let go of alone (H1)", async () => {
  await served("one", 1);
  const bad = shared.join({ url: "file:///program.mjs", member: "bad", onServing: () => undefined });
  const loading = bad.load({ handler: "bad", url: "", preload: [], env: {}, cwd: "/" }, listenerOf("bad"));
  say(2, FrameType.loadFailed, JSON.stringify({ error: { name: "Error", message: "not today", stack: "" } }));
  await expect(loading).rejects.toThrow("not today");
  bad.terminate();
  await bad.exited;
  expect(fake.signals).toEqual([]);
});

it("one that is not wanted any more is let go of once it has come up, torn down where it was set up (H4)", async () => {
  await served("one", 1);
  const late = shared.join({ url: "file:///program.mjs", member: "late", onServing: () => said.push("late serves") });
  const loading = late.load({ handler: "late", url: "", preload: [], env: {}, cwd: "/" }, listenerOf("late"));
  say(2, FrameType.loaded, JSON.stringify({ metadata: { subject: "x" }, defaultExport: "function" }));
  await loading;
  const starting = late.start(START, eventsOf("late"));
  late.terminate();
  say(2, FrameType.ready);
  await starting;
  say(2, FrameType.stopped);
  await late.exited;
  clock.advance(60_000);
  expect([fake.signals, said.includes("late serves"), said.at(-1)]).toEqual([[], false, "late exited own"]);
});

it("one that neither comes up nor fails is killed with the process, through no fault of the others (H4)", async () => {
  await served("one", 1);
  const silent = shared.join({ url: "file:///program.mjs", member: "silent", onServing: () => undefined });
  const never = silent.load({ handler: "silent", url: "", preload: [], env: {}, cwd: "/" }, listenerOf("silent"));
  silent.terminate();
  expect(fake.signals).toEqual([]);
  clock.advance(1_000);
  await expect(never).rejects.toThrow();
  expect(fake.signals).toEqual(["SIGKILL"]);
  await shared.exited;
  await turn();
  expect(said.at(-1)).toBe("one exited others");
});

it("one that serves and is taken back without a reason is torn down, and the process stays", async () => {
  const [one] = [await served("one", 1), await served("two", 2)];
  one.terminate();
  await turn();
  say(1, FrameType.stopped);
  await one.exited;
  expect([fake.signals, shared.isOpen]).toEqual([[], true]);
});

it("one that is killed at a deadline while the loop turns ends as it would alone, the others through no fault of theirs", async () => {
  const [one, two] = [await served("one", 1), await served("two", 2)];
  one.deliver(1, DELIVERY);
  two.deliver(1, DELIVERY);
  one.abort(1, "timeout");
  say(1, FrameType.pong);
  await turn();
  one.terminate(PAST_TIMEOUT);
  const ends: WorkerExit[] = await Promise.all([one.exited, two.exited]);
  expect(ends.map(({ dueTo, killedBecause }) => [dueTo, killedBecause])).toEqual([
    [undefined, PAST_TIMEOUT],
    ["others", PAST_TIMEOUT],
  ]);
  expect(said.slice(-2)).toEqual(["one exited own", "two exited others"]);
});

it("a process that says of which handler it dies is that one's", async () => {
  const [one, two] = [await served("one", 1), await served("two", 2)];
  one.deliver(1, DELIVERY);
  two.deliver(1, DELIVERY);
  say(2, FrameType.blamed);
  await turn();
  fake.end({ code: 3 });
  expect([(await one.exited).dueTo, (await two.exited).dueTo]).toEqual(["others", undefined]);
});

it("what is printed is told under the handler that the mark before it names; without one it is not lost", async () => {
  await served("one", 1);
  await served("two", 2);
  fake.stdout.write(`nobody's\n${OUTPUT_MARK}2\nof two\n${OUTPUT_MARK}1\nof one\n`);
  fake.stderr.write(`${OUTPUT_MARK}2\nerror of two\n`);
  await turn();
  const printed = said.filter((line) => !line.endsWith("serves"));
  expect(printed.sort()).toEqual(["one nobody's", "one of one", "two error of two", "two of two"]);
});
