// From what the supervisor knows to what crosses the wire.

import { readFileSync } from "node:fs";
import { formatPlace, type RuntimeError } from "../errors.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";
import type { ReportedError, ReportedHandler } from "./control-protocol.ts";

export function reportedHandler(status: HandlerStatus): ReportedHandler {
  const { kind, subject, version, lastFailure, disabled, ...rest } = status;
  const memoryBytes = residentBytes(status.pids);
  return {
    ...rest,
    ...(kind === undefined ? {} : { kind }),
    ...(subject === undefined ? {} : { subject }),
    ...(version === undefined ? {} : { version }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(lastFailure === undefined ? {} : { lastFailure: reportedError(lastFailure) }),
    ...(disabled === undefined ? {} : { disabled: withoutUndefined(disabled) }),
  };
}

function withoutUndefined({ source, by, reason, sinceMs, untilMs }: NonNullable<HandlerStatus["disabled"]>) {
  return { source, by, reason, sinceMs, ...(untilMs === undefined ? {} : { untilMs }) };
}

export function reportedError({ code, message, place, frame, remedy }: RuntimeError): ReportedError {
  return { code, message, place: place === undefined ? undefined : formatPlace(place), frame, remedy };
}

const PAGE_BYTES = 4096;

/** Resident memory as Linux tells it (proc(5), statm); undefined elsewhere. */
export function residentBytes(pids: readonly number[]): number | undefined {
  let sum = 0;
  for (const pid of pids) {
    try {
      sum += Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
    } catch {
      return undefined; // No /proc, or the worker ended just now: the next status tells.
    }
  }
  return pids.length === 0 ? undefined : sum;
}
