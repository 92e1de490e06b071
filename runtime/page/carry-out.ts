// Does to many letters what an order says, one after the other, and tells how far it is. Its list is fixed: letters that come
// later are not meant.

import { redrive } from "../dead-letters/redrive.ts";
import type { OperationView } from "./answers.ts";
import type { Desk } from "./desk.ts";
import type { Order } from "./order.ts";

export type OrderDesk = Pick<Desk, "connection" | "app" | "letters" | "clock" | "copies">;

const AT_ONCE = 16;

export function begun({ id, verb, what, ids, rate }: Order): OperationView {
  return { id, verb, what, total: ids.length, done: 0, rate, state: "running" };
}

/** Resolves with how it ended; never rejects. What is under way when `signal` aborts is finished. */
export async function carryOut(
  order: Order,
  desk: OrderDesk,
  signal: AbortSignal,
  onProgress: (view: OperationView) => void,
): Promise<OperationView> {
  let view = begun(order);
  const onDone = (done: number) => {
    view = { ...view, done };
    onProgress(view);
  };
  try {
    if (order.verb === "redrive") await redriveAll(order, desk, signal, onDone);
    else await dropAll(order, desk, signal, onDone);
    return { ...view, state: signal.aborted && view.done < view.total ? "stopped" : "done" };
  } catch (error) {
    return { ...view, state: "failed", problem: messageOf(error) };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function redriveAll(
  { ids, rate }: Order,
  { connection, app, letters: box, clock, copies }: OrderDesk,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<void> {
  await redrive(ids, { connection, app, box, clock, copies, rate, onProgress, signal });
}

async function dropAll(
  { ids }: Order,
  { letters }: OrderDesk,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<void> {
  for (let at = 0; at < ids.length && !signal.aborted; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    await Promise.all(some.map((id) => letters.remove(id)));
    onProgress(at + some.length);
  }
}
