// Why a handler cannot settle a message after its function has returned (`ctx.defer`). Pure.

import type { ResolvedMetadata } from "./handler-metadata.ts";

type Looked = Pick<ResolvedMetadata, "kind" | "batch" | "ordered" | "oneAtATime" | "fleetOrder" | "outputs">;

/** As the end of a sentence that begins with the handler; undefined: it can. */
export function whyNotDeferred({ kind, batch, ordered, oneAtATime, fleetOrder, outputs }: Looked): string | undefined {
  if (kind !== "durable")
    return `is of kind "${kind}": nobody keeps its messages until they are settled. Make it \`kind: "durable"\``;
  if (batch !== undefined)
    return "takes batches, and ends with them: leave out `batch`, or fail messages by `ctx.fail`";
  if (ordered || fleetOrder !== undefined)
    return "has an order (`orderBy`): the next message of the key would begin before this one is settled";
  if (outputs === "atomic") return 'stores what it publishes when its function has returned (`outputs: "atomic"`)';
  if (oneAtATime) return 'handles one message at a time (`concurrency: "one"`): the next one would have to wait for it';
  return undefined;
}
