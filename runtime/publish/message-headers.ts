// A block of encoded headers, as the client wants them.

import type { MsgHdrs } from "@nats-io/transport-node";

/** The client asks the headers of a message it publishes for nothing but their encoded form, and that is what we have. */
export function asTheyAre(block: Uint8Array): MsgHdrs {
  return { encode: () => block } as unknown as MsgHdrs;
}
