// What the process ends with: the one table. Scripts rely on it, and `--help` shows it.

import { type ErrorCode, RuntimeError } from "../errors.ts";

export type ExitCode = 0 | 1 | 2 | 3 | 4 | 130;

export const EXIT_CODES: Readonly<Record<ExitCode, string>> = {
  0: "done",
  1: "failed: a check, a handler's answer, messages that did not end in time",
  2: "wrong usage or configuration",
  3: "NATS cannot be reached, or refuses us; or no runtime runs",
  4: "nobody answered: no responders, or not in time",
  130: "interrupted",
};

const CODE_OF: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  USAGE: 2,
  CONFIG_INVALID: 2,
  CONFIG_UNREADABLE: 2,
  DISK_REFUSED: 2,
  NODE_TOO_OLD: 2,
  HANDLERS_DIR_MISSING: 2,
  HTTP_PORT_TAKEN: 2,
  HANDLER_NOT_FOUND: 2,
  BUILD_UNUSABLE: 2,
  BUILD_TOOLS_MISSING: 2,
  VERSION_NOT_KEPT: 2,
  NATS_NOT_CONFIGURED: 2,
  NATS_UNREACHABLE: 3,
  NATS_REFUSED: 3,
  NATS_SERVER_UNAVAILABLE: 3,
  NATS_SERVER_FAILED: 3,
};

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof RuntimeError ? (CODE_OF[error.code] ?? 1) : 1;
}
