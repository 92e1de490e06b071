// One run of a handler in a process of its own, and what is known of it when the process has ended.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { RunHandlerOptions, SentMessage } from "../../sdk/testing.ts";
import {
  type Answer,
  type CrashOrder,
  type CrashReport,
  callOf,
  type KeptEntry,
  type Question,
} from "./crash-report.ts";
import { answerOf, messageOf, refusal } from "./observed.ts";
import type { OutcomeReport } from "./report.ts";

export interface CrashRun {
  /** Those it came to, in their order; the last one killed it, unless it has ended. */
  readonly points: readonly string[];
  readonly published: readonly SentMessage[];
  readonly requested: readonly SentMessage[];
  readonly logs: readonly { level: string; message: string; fields: Record<string, unknown> }[];
  /** By `ctx.once`. */
  readonly kept: readonly KeptEntry[];
  /** Undefined: it was killed. */
  readonly report: OutcomeReport | undefined;
}

export interface CrashRunOptions {
  readonly order: CrashOrder;
  readonly env: NodeJS.ProcessEnv;
  readonly answer: RunHandlerOptions["answer"];
}

const EXTENSION = import.meta.url.slice(-3);
const PROGRAM = fileURLToPath(new URL(`./crash-program${EXTENSION}`, import.meta.url));
const LAST_WORDS = 20;

/** Rejects when the handler could not be run, or when its process died otherwise than at the chosen point. */
export async function crashRun({ order, env, answer }: CrashRunOptions): Promise<CrashRun> {
  const child = spawn(process.execPath, ["--enable-source-maps", PROGRAM, JSON.stringify(order)], {
    ...{ cwd: order.rootDir, env },
    stdio: ["ignore", "ignore", "pipe", "pipe", "ipc"],
  });
  const lastWords: string[] = [];
  createInterface(child.stderr as Readable).on("line", (line) => lastWords.push(line));
  const reports: CrashReport[] = [];
  const told = new Promise<void>((resolve) => {
    createInterface(child.stdio[3] as Readable)
      .on("line", (line) => reports.push(JSON.parse(line) as CrashReport))
      .on("close", resolve);
  });
  child.on("message", (question) => void reply(child.send.bind(child), question as Question, answer));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (...how) => resolve(how));
  });
  await told;
  const run = read(reports);
  const isChosen = order.killAt !== undefined && run.points.length === order.killAt && signal === "SIGKILL";
  if (run.report === undefined && !isChosen) {
    const how = signal ?? `exit code ${code}`;
    throw new Error(`the process of the handler ended with ${how}:\n${lastWords.slice(-LAST_WORDS).join("\n")}`);
  }
  return run;
}

async function reply(send: (answer: Answer) => unknown, { number, call }: Question, answer: CrashRunOptions["answer"]) {
  const given = await answerOf(messageOf(callOf(call)), answer).catch((error: unknown) => refusal(call, error));
  send(given.ok ? { number, ok: true, body: Buffer.from(given.body).toString("base64") } : { number, ...given });
}

function read(reports: readonly CrashReport[]): CrashRun {
  const failed = reports.find((report) => report.type === "failed");
  if (failed !== undefined) throw new Error(failed.message);
  const of = <T extends CrashReport["type"]>(type: T) =>
    reports.filter((report): report is Extract<CrashReport, { type: T }> => report.type === type);
  const sent = (kind: "publish" | "request") =>
    of("call")
      .filter(({ call }) => call.kind === kind)
      .map(({ call }) => messageOf(callOf(call)));
  return {
    points: of("point").map(({ at }) => at),
    published: sent("publish"),
    requested: sent("request"),
    logs: of("log").map(({ record: { level, message, fields = {} } }) => ({ level, message, fields })),
    kept: of("kept").map(({ entry }) => entry),
    report: of("ended")[0]?.report,
  };
}
