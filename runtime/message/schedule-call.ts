// What a handler asks of the schedules that it makes while it runs. It crosses as what is asked of a bucket does (store-call.ts).

import type { HeaderPairs } from "./header-block.ts";
import type { StoreAnswer, StoreCall } from "./store-call.ts";

/** Crosses as JSON, beside the bytes of the message that is to be published. */
export type ScheduleAsk = {
  readonly store: "schedules";
  readonly key: string;
  /** Of the message that is handled. */
  readonly id: string;
} & (
  | {
      readonly operation: "put";
      /** The subject that is published to. */
      readonly target: string;
      /** As the author has said it: nobody has looked at it yet. */
      readonly when: unknown;
      readonly headers: HeaderPairs;
    }
  | { readonly operation: "delete" }
);

export type ScheduleCall = ScheduleAsk & {
  /** Who asks. */
  readonly handler: string;
  readonly value: Uint8Array;
  readonly timeoutMs: number;
};

/** Carries out what is asked of buckets and of schedules. Never rejects. */
export type CarryAsk = (call: StoreCall | ScheduleCall) => Promise<StoreAnswer>;

export function isOfSchedules(call: StoreCall | ScheduleCall): call is ScheduleCall {
  return call.store === "schedules";
}

/** What is wrong with the call itself: with it the author has said what cannot be. */
export const BAD_SCHEDULE = 400;
