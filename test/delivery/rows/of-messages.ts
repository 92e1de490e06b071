// What messages do to their handler: they fail, kill, take long, are large.

import { BAD_EVERY, type Deed, type Message, usualMessage } from "../message.ts";
import type { Row } from "../row.ts";

/** Every so many messages do it, from the given one on. */
const some =
  (does: Deed, every: number, from = every / 2) =>
  (id: number): Message => ({ id, does: id % every === from ? does : "ends" });

const only =
  (does: Deed, ...ids: readonly number[]) =>
  (id: number): Message =>
    ids.includes(id) ? { id, does } : usualMessage(id);

/** The load itself is the change. */
const inTheLoad = { change: async () => undefined };
/** What ran beside the message that takes a worker along is run again alone, when there is a worker again. */
const dying = { ...inTheLoad, slow: true };

const MAX_PAYLOAD = 65_536;
/** Beside the filling there are the rest of the message and its headers. */
const FILLING = "x".repeat(MAX_PAYLOAD - 200);

export const MESSAGE_ROWS: readonly Row[] = [
  { name: "every fifth message throws at all its attempts", message: some("throws", 5, 2), ...inTheLoad },
  {
    name: "what the handler needs is away for two seconds",
    apps: { shop: [{ attempts: 5, backoffMs: 1_000 }] },
    async change(scene) {
      scene.ledger.setAway(true);
      await scene.lasts(2_000);
      scene.ledger.setAway(false);
    },
  },
  { name: "one message kills its worker at each attempt", message: only("dies", 200), ...dying },
  { name: "two messages kill their worker at each attempt", message: only("dies", 200, 203), ...dying },
  { name: "messages kill their worker at the last attempt", message: only("dies-last", 200, 210, 500), ...dying },
  {
    name: "one message never ends",
    message: only("loops", 200),
    apps: { shop: [{ metadata: 'timeout: "1s",' }] },
    ...dying,
  },
  {
    name: "one message takes all memory",
    message: only("eats", 200),
    apps: { shop: [{ metadata: 'memory: "64MB",' }] },
    ...dying,
  },
  {
    name: "the work takes longer than the consumer's ack_wait",
    message: (id) => ([400, 500].includes(id) ? { id, does: "ends", ms: 5_000 } : usualMessage(id)),
    change: (scene) => scene.editConsumers({ ack_wait: 2_000_000_000 }),
  },
  {
    name: "the handler is slower than its messages come",
    message: (id) => ({ ...usualMessage(id), ms: 80 }),
    change: (scene) => scene.load.more(500),
  },
  {
    name: "messages that fail are as large as the server takes",
    server: `max_payload: ${MAX_PAYLOAD}`,
    message: (id) => ({ ...usualMessage(id), ...(id % BAD_EVERY === BAD_EVERY / 2 ? { filling: FILLING } : {}) }),
    ...inTheLoad,
  },
];
