// What passes between a test and the process of one crash run. Its reports are lines of JSON on a pipe, written before it goes
// on: it may be killed the moment after.

import type { HandlerCall } from "../message/handler-call.ts";
import type { LogRecord } from "../wire/log-record.ts";
import type { OutcomeReport } from "./report.ts";

export const REPORT_FD = 3;

/** A publish or a request, as JSON carries it: bytes in base64. */
export interface ReportedCall extends Pick<HandlerCall, "kind" | "subject" | "messageId"> {
  readonly headers: string;
  readonly payload: string;
}

/** A key of the bucket of `ctx.once`, and its text. */
export type KeptEntry = readonly [key: string, text: string];

export type CrashReport =
  | { readonly type: "point"; readonly at: string }
  | { readonly type: "call"; readonly call: ReportedCall }
  | { readonly type: "log"; readonly record: LogRecord }
  /** What `ctx.once` keeps: it outlives the process. */
  | { readonly type: "kept"; readonly entry: KeptEntry }
  | { readonly type: "ended"; readonly report: OutcomeReport }
  /** What keeps a handler from being run at all. */
  | { readonly type: "failed"; readonly message: string };

/** What it is to do: its one argument. */
export interface CrashOrder {
  readonly bundleUrl: string;
  readonly rootDir: string;
  readonly displayPath: string;
  /** Base64; of the message, as are the next five. */
  readonly payload: string;
  readonly subject?: string | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly sequence?: number | undefined;
  readonly attempt: number;
  readonly timeout?: string | undefined;
  /** What earlier runs have kept. */
  readonly kept?: readonly KeptEntry[] | undefined;
  /** The point it is killed at, from 1; undefined: none. */
  readonly killAt?: number | undefined;
}

/** Asked over the channel between the two, because a request is not done before it is answered. */
export interface Question {
  readonly number: number;
  readonly call: ReportedCall;
}

export type Answer = { readonly number: number } & (
  | { readonly ok: true; readonly body: string }
  | { readonly ok: false; readonly code: number; readonly message: string }
);

export function reportedCall({ kind, subject, messageId, headers, payload }: HandlerCall): ReportedCall {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return { kind, subject, messageId, headers: text(headers), payload: text(payload) };
}

export function callOf({ headers, payload, ...call }: ReportedCall) {
  return { ...call, headers: Buffer.from(headers, "base64"), payload: Buffer.from(payload, "base64") };
}
