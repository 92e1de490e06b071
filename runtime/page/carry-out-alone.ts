// Carries out one order in a process of its own, which goes on when that of the page ends. All pages of the app hear how far it
// is, also those that are opened later, and any of them can stop it.

import { controlSubject } from "../control/control-protocol.ts";
import type { OperationView } from "./answers.ts";
import { begun, carryOut, type OrderDesk } from "./carry-out.ts";
import type { Order } from "./order.ts";

const TOLD_EVERY_MS = 500;

export async function carryOutAlone(order: Order, desk: OrderDesk): Promise<OperationView> {
  const { connection, app, clock } = desk;
  const stopping = new AbortController();
  const stops = connection.subscribe(controlSubject(app, "stop-operation"), {
    callback: (error, message) => {
      if (error === null && message.string() === order.id) stopping.abort();
    },
  });
  let view = begun(order);
  const tell = () => {
    if (!connection.isClosed()) connection.publish(controlSubject(app, "operation"), JSON.stringify(view));
  };
  tell();
  const telling = clock.every(TOLD_EVERY_MS, tell);
  view = await carryOut(order, desk, stopping.signal, (next) => {
    view = next;
  });
  telling.cancel();
  stops.unsubscribe();
  tell();
  await connection.flush().catch(() => undefined); // Nobody is left to tell.
  return view;
}
