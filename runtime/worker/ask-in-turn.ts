// What is asked of the runtime and answered: sent when it has its turn among the calls of its process.

import type { ScheduleAsk } from "../message/schedule-call.ts";
import type { StoreAsk } from "../message/store-call.ts";
import { isUnavailable, UNAVAILABLE } from "../message/unavailable.ts";
import { FrameType } from "../wire/protocol.ts";
import { writeStoreAsk } from "../wire/store-frame.ts";
import type { ContextLink, PendingCall } from "./link.ts";
import type { RequestTurn, RequestTurns } from "./request-turns.ts";

export interface Asking {
  readonly link: ContextLink;
  readonly requests: RequestTurns;
}

export interface Asked {
  readonly ask: StoreAsk | ScheduleAsk;
  /** As the start of a sentence. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly value: Uint8Array;
  /** What its answer may take. */
  readonly answerBytes: number;
}

export const FEW_BYTES = 1024;

/** Resolves with the answer's bytes. Rejects with the error of whoever carried it out, and with 504 when it had no turn. */
export function askInTurn({ link, requests }: Asking, asked: Asked): Promise<Buffer> {
  const { ask, what, timeoutMs, value, answerBytes } = asked;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const turn: RequestTurn = {
    bytes: value.length + answerBytes,
    timeoutMs,
    begin(leftMs) {
      const pending: PendingCall = {
        type: FrameType.store,
        answered: resolve,
        refused(error) {
          if (isUnavailable(error.code ?? 0)) error.name = UNAVAILABLE;
          reject(error);
        },
      };
      const frame = link.call(pending);
      writeStoreAsk(frame, leftMs, ask, value);
      frame.end();
      link.schedule();
      const ended = () => requests.leave(turn.bytes);
      promise.then(ended, ended);
    },
    expired: () => reject(noTurn(what, timeoutMs)),
  };
  requests.enter(turn);
  return promise;
}

function noTurn(what: string, timeoutMs: number): Error {
  const message = `${what}: it waited ${timeoutMs} ms for its turn, since so many calls of this handler are under way: await some before you make more`;
  return Object.assign(new Error(message), { code: 504 });
}
