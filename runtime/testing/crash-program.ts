// The process of one crash run: a handler on one message, killed for good at a point that the test has chosen.

import { writeSync } from "node:fs";
import type { CallAnswer, HandlerCall } from "../message/handler-call.ts";
import type { OnceRecord } from "../message/once-record.ts";
import { isOfSchedules } from "../message/schedule-call.ts";
import type { StoreAnswer, StoreCall } from "../message/store-call.ts";
import type { HandlerModule } from "../worker/load.ts";
import { watchAwaits } from "./await-points.ts";
import { type Answer, type CrashOrder, type CrashReport, REPORT_FD, reportedCall } from "./crash-report.ts";
import type { LoopbackEnd } from "./loopback-link.ts";
import { MemoryOnce } from "./memory-once.ts";
import { MemorySchedules } from "./memory-schedules.ts";
import { testMessage } from "./message.ts";
import { TAKEN } from "./observed.ts";
import { reportOf } from "./report.ts";
import { runModule } from "./run-module.ts";
import { metadataOf } from "./test-metadata.ts";

const order = JSON.parse(process.argv[2] ?? "") as CrashOrder;
const asked = new Map<number, (answer: CallAnswer) => void>();
const once = new MemoryOnce({}, order.kept);
const schedules = new MemorySchedules();
let passed = 0;

const end: LoopbackEnd = {
  async call(call) {
    report({ type: "call", call: reportedCall(call) });
    const answer = call.kind === "publish" ? TAKEN : await ask(call);
    point(`after the ${call.kind} to ${call.subject}`);
    return answer;
  },
  async store(call) {
    if (isOfSchedules(call)) return schedules.call(call);
    if (once.takes(call)) return keepOnce(call);
    const message = "crashPoints has no buckets: ctx.kv and ctx.objects are for runHandler and startTestRuntime";
    return { ok: false, code: 501, message };
  },
  log: (record) => report({ type: "log", record }),
};

process.on("message", ({ number, ...answer }: Answer) => {
  asked.get(number)?.(answer.ok ? { ok: true, body: Buffer.from(answer.body, "base64") } : answer);
});

/** The part has run, and what it gave is not kept: there is no other place at which that is to be seen. */
async function keepOnce(call: StoreCall): Promise<StoreAnswer> {
  if (call.operation === "get") return once.call(call);
  const text = Buffer.from(call.value).toString("utf8");
  point(`before ctx.once("${(JSON.parse(text) as OnceRecord).name}") keeps what it gave`);
  const answer = await once.call(call);
  report({ type: "kept", entry: [call.key, text] });
  return answer;
}

function ask(call: HandlerCall): Promise<CallAnswer> {
  return new Promise((resolve) => {
    const number = asked.size + 1;
    asked.set(number, resolve);
    process.send?.({ number, call: reportedCall(call) });
  });
}

function report(line: CrashReport): void {
  writeSync(REPORT_FD, `${JSON.stringify(line)}\n`);
}

function point(at: string): void {
  report({ type: "point", at });
  if (++passed === order.killAt) process.kill(process.pid, "SIGKILL");
}

async function main(): Promise<void> {
  const { bundleUrl, rootDir, displayPath, timeout } = order;
  const module = (await import(bundleUrl)) as HandlerModule;
  const metadata = metadataOf(module, { timeout, displayPath });
  const message = testMessage(metadata, Buffer.from(order.payload, "base64"), order);
  let stop = (): void => {};
  const ended = await runModule({
    ...{ module, metadata, message, end },
    onBegin() {
      stop = watchAwaits(bundleUrl, rootDir, (place) => point(`after the await in ${place}`));
    },
    onEnd() {
      stop();
      point("after it ended, before NATS knew");
    },
  });
  report({ type: "ended", report: reportOf(ended, metadata, module.metadata?.payload ?? "json") });
}

await main().catch((error: unknown) => {
  report({ type: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
});
// What the author has left open is no reason to stay.
process.exit(0);
