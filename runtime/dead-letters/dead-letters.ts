// Keeps dead letters: store, and try again until they are stored; only then may the original go.
//
// L1  `keep` resolves true only when the letter is stored.
// L2  A dead letter that could not be handled (by a handler that takes letters) is not kept again: it still is there.
// L3  A letter that cannot be stored now is tried again, as it is, until `hurry`: the outage is not the message's fault, and
//     its reason is known nowhere else.
// L4  What waits in memory is bounded. Letters of core messages, which nothing else holds back, count from the start.

import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay, within } from "../clock.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { LetterStore, type StoredParts } from "./letter-store.ts";

export interface DeadLettersOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly clock: Clock;
  readonly notices: RateLimitedNotices;
  /** Of the stream of letters, should it have to be made. */
  readonly copies: number;
  /** Told of each letter that is stored. */
  readonly onKept?: ((handler: string) => void) | undefined;
}

/** With the time for writing down why the message failed, it fits into what a shutdown leaves for settlements. */
const TRY_MS = 2_500;
const PAUSES_MS = [250, 1_000, 2_000, 5_000, 10_000];
const MOST_WAITING = 1_024;
const MOST_BYTES_WAITING = 32 * 1024 ** 2;

export class DeadLetters {
  private readonly options: DeadLettersOptions;
  private readonly store: LetterStore;
  private waiting = 0;
  private bytesWaiting = 0;
  private patience = new AbortController();

  constructor(options: DeadLettersOptions) {
    this.options = options;
    this.store = new LetterStore(options.connection, options.app, options.copies);
  }

  /**
   * Resolves true when the letter is stored, false when it was given up (L3). Never rejects; what goes wrong is told.
   *
   * @param onWaiting the first try failed, and there is room to wait in memory while others are handled
   */
  async keep(letter: DeadLetter, onWaiting?: () => void): Promise<boolean> {
    if (this.isLetterItself(letter)) return true;
    const { signal } = this.patience;
    const parts: StoredParts = {};
    if (await this.tryToKeep(letter, parts)) return true;
    if (signal.aborted) return false;
    const leave = onWaiting === undefined ? undefined : this.enter(letter);
    if (leave !== undefined) onWaiting?.();
    const kept = await this.keepTrying(lasting(letter), parts, signal);
    leave?.();
    return kept;
  }

  /** As `keep`; undefined when too many wait already: then this one is not kept (L4). */
  keepIfRoom(letter: DeadLetter): Promise<boolean> | undefined {
    const leave = this.enter(letter);
    return leave && this.keep(lasting(letter)).finally(leave);
  }

  /** Returns what leaves again; undefined when there is no room. */
  private enter({ data, headers }: DeadLetter): (() => void) | undefined {
    const bytes = data.length + (headers?.length ?? 0);
    if (this.waiting >= MOST_WAITING || this.bytesWaiting + bytes > MOST_BYTES_WAITING) return undefined;
    this.waiting++;
    this.bytesWaiting += bytes;
    return () => {
      this.waiting--;
      this.bytesWaiting -= bytes;
    };
  }

  /** Have those that wait now tried once more, and given up when that is in vain: within TRY_MS. */
  hurry(): void {
    this.patience.abort();
    this.patience = new AbortController();
  }

  private async keepTrying(letter: DeadLetter, parts: StoredParts, signal: AbortSignal): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      await delay(this.options.clock, PAUSES_MS[Math.min(tries, PAUSES_MS.length) - 1]!, signal);
      if (await this.tryToKeep(letter, parts)) return true;
      if (signal.aborted) return false;
    }
  }

  private async tryToKeep(letter: DeadLetter, parts: StoredParts): Promise<boolean> {
    const { notices, clock } = this.options;
    const { handler } = letter;
    const storing = this.store.store(letter, parts).then(
      (id) => ({ id }),
      (error: unknown) => ({ error }),
    );
    const tried = await within(clock, TRY_MS, storing);
    if (tried !== "expired" && "id" in tried) {
      this.options.onKept?.(handler);
      const message = `a failed message of handler "${handler}" is kept: \`handlers dlq show ${tried.id}\``;
      notices.tell(`kept ${handler}`, "info", message);
      return true;
    }
    this.tellFailure(handler, tried === "expired" ? undefined : tried.error);
    return false;
  }

  private tellFailure(handler: string, error: unknown): void {
    const { connection, notices } = this.options;
    const doing = `a dead letter of handler "${handler}" could not be kept`;
    const said =
      error === undefined
        ? { message: `${doing}: the server has not answered within ${TRY_MS} ms`, remedy: undefined }
        : jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    const { message, remedy } = said;
    const told = `${message}. It is tried again until it is.${remedy === undefined ? "" : ` ${remedy}`}`;
    notices.tell(`keep ${handler}`, "error", told);
  }

  /** L2. */
  private isLetterItself({ subject }: DeadLetter): boolean {
    return subject.startsWith(`dlq.${this.options.app}.`);
  }
}

/** A copy: the message is a view of a much larger buffer, which would live as long as the letter waits. */
function lasting(letter: DeadLetter): DeadLetter {
  return { ...letter, data: letter.data.slice(), headers: letter.headers?.slice() };
}
