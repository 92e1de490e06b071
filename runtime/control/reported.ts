// From what the supervisor knows to what crosses the wire.

import { formatPlace, type RuntimeError } from "../errors.ts";
import { processUsage } from "../process-usage.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";
import type { ReportedError, ReportedHandler } from "./control-protocol.ts";

export function reportedHandler(status: HandlerStatus): ReportedHandler {
  const { kind, subject, subjects, domain, version, lastFailure, disabled, holds, ...rest } = status;
  const memoryBytes = memoryOf(status.pids);
  return {
    ...rest,
    ...(kind === undefined ? {} : { kind }),
    ...(subject === undefined ? {} : { subject }),
    ...(subjects === undefined ? {} : { subjects }),
    ...(domain === undefined ? {} : { domain }),
    ...(version === undefined ? {} : { version }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(lastFailure === undefined ? {} : { lastFailure: reportedError(lastFailure) }),
    ...(holds.length === 0 ? {} : { holds }),
    ...(disabled === undefined ? {} : { disabled: withoutUndefined(disabled) }),
  };
}

function withoutUndefined({ source, by, reason, sinceMs, untilMs }: NonNullable<HandlerStatus["disabled"]>) {
  return { source, by, reason, sinceMs, ...(untilMs === undefined ? {} : { untilMs }) };
}

export function reportedError({ code, message, place, frame, remedy }: RuntimeError): ReportedError {
  return {
    code,
    message,
    ...(place === undefined ? {} : { place: formatPlace(place) }),
    ...(frame === undefined ? {} : { frame }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** Undefined where the system does not tell, or when there is no worker. */
function memoryOf(pids: readonly number[]): number | undefined {
  const known = pids.map((pid) => processUsage(pid)?.memoryBytes).filter((bytes) => bytes !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, bytes) => sum + bytes, 0);
}
