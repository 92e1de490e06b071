// What a replica says when it is asked what runs. Nothing is recorded for it: a worker's lane knows what it has in hand.

import type { RunningDelivery } from "../deliver/route.ts";
import { decodeHeaders } from "../message/header-block.ts";
import { originOf } from "../message/origin.ts";
import type { RunningMessage } from "./control-protocol.ts";

export interface RunningNow {
  readonly running: readonly RunningMessage[];
  readonly unsaid: number;
}

/** Of each handler. Whoever looks for what hangs looks for the oldest. */
const MOST_RUNNING = 50;

export function runningNow(
  app: string,
  all: readonly { readonly handler: string; readonly deliveries: readonly RunningDelivery[] }[],
): RunningNow {
  const running = all.flatMap(({ handler, deliveries }) =>
    deliveries
      .toSorted((a, b) => b.ranMs - a.ranMs)
      .slice(0, MOST_RUNNING)
      .map((one) => runningMessage(app, handler, one)),
  );
  const inAll = all.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
  return { running, unsaid: inAll - running.length };
}

function runningMessage(
  app: string,
  handler: string,
  { delivery, id, ranMs, isDeferred }: RunningDelivery,
): RunningMessage {
  const { subject, attempt, data, storedAtMs } = delivery;
  const headers = delivery.headers === undefined ? [] : decodeHeaders(Buffer.from(delivery.headers));
  const origin = originOf({ app, subject, headers, id, isStored: storedAtMs !== undefined });
  return { handler, id, origin, subject, attempt, bytes: data.length, ranMs: Math.round(ranMs), isDeferred };
}
