// Which dead letters are meant, as it is said on the command line.

import { systemClock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { DeadLetterBox, type LetterQuery } from "../dead-letters/dead-letter-box.ts";
import { RuntimeError } from "../errors.ts";
import { didYouMean } from "../metadata/nearest.ts";
import type { NatsConnection } from "../nats/connection.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { GlobalOptions } from "./global-options.ts";
import { withConnection } from "./nats-client.ts";
import { readPast } from "./time-options.ts";

export interface QueryOptions {
  readonly handler?: string;
  readonly reason?: string;
  readonly since?: string;
}

/** Every way a message can end that makes a dead letter of it. */
export const REASONS = [
  ...[
    "threw",
    "invalid",
    "gave-up",
    "retry-later",
    "timed-out",
    "cancelled",
    "crashed",
    "out-of-memory",
    "not-serializable",
  ],
  ...["too-many-hops", "attempts-used", "expired", "unclaimed", "not-published"],
] as const;

export interface LetterDesk {
  readonly connection: NatsConnection;
  readonly config: ResolvedConfig;
  readonly box: DeadLetterBox;
}

export function withLetters<T>(
  terminal: Terminal,
  options: GlobalOptions,
  use: (desk: LetterDesk) => Promise<T>,
): Promise<T> {
  return withConnection(terminal, options, (connection, config) =>
    use({ connection, config, box: new DeadLetterBox(connection, config.app) }),
  );
}

/** Throws USAGE. */
export function readQuery({ handler, reason, since }: QueryOptions, nowMs = systemClock.nowMs()): LetterQuery {
  if (reason !== undefined && !(REASONS as readonly string[]).includes(reason)) {
    const known = `There are: ${REASONS.join(", ")}`;
    throw new RuntimeError("USAGE", `--reason: nothing fails as ${JSON.stringify(reason)}`, {
      remedy: didYouMean(reason, REASONS).trim() || known,
    });
  }
  return { handler, reason, sinceMs: since === undefined ? undefined : readPast("--since", since, nowMs) };
}

/** Throws USAGE. */
export function readCount(option: string, word: string): number {
  const count = Number(word);
  if (/^\d+$/.test(word) && count > 0) return count;
  throw new RuntimeError("USAGE", `${option} needs a whole number above 0; received ${JSON.stringify(word)}`);
}

/** Throws USAGE. */
export function readId(word: string): number {
  const id = Number(word);
  if (/^\d+$/.test(word) && Number.isSafeInteger(id) && id > 0) return id;
  const message = `a dead letter has a number, as \`handlers dlq list\` shows it; received ${JSON.stringify(word)}`;
  throw new RuntimeError("USAGE", message);
}

/** Why there are none: nothing fails, or the handler is called otherwise. */
export async function noneText(box: DeadLetterBox, { handler }: LetterQuery): Promise<string> {
  if (handler === undefined) return "no dead letters";
  const others = new Set((await box.list()).map((letter) => letter.handler));
  return `no dead letters of ${handler}.${didYouMean(handler, others)}`.replace(/\.$/, "");
}
