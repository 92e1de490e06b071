// An operator's word that a version is not to serve, and which one serves instead; as it stands in the bucket of intents.
//
// R1  It concerns whoever would serve one of the versions rolled back from. Who serves another build by itself, such as the one
//     that mends it, is not concerned: so a rollback needs no end, and a deployment after it goes live on its own.
// R2  It stands beside the intent that turns the handler off: neither takes the other back.

export interface Rollback {
  readonly to: string;
  /** R1. */
  readonly from: readonly string[];
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
}

/** R2. No handler's name begins so. */
const PREFIX = "/rollback/";

/** What the rollback of a handler is called where intents are called by their handlers. */
export function rollbackName(handler: string): string {
  return `${PREFIX}${handler}`;
}

/** Undefined: it is no rollback's name. */
export function handlerOfRollback(name: string): string | undefined {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
}

/** Undefined: there is none, or it was taken back. What cannot be read rolls nothing back. */
export function readRollback(text: string | undefined): Rollback | undefined {
  try {
    const { to, from, by, reason, sinceMs } = JSON.parse(text ?? "null") as Partial<Rollback>;
    if (typeof to !== "string" || !Array.isArray(from)) return undefined;
    return {
      to,
      from: from.filter((one) => typeof one === "string"),
      by: typeof by === "string" ? by : "unknown",
      reason: typeof reason === "string" ? reason : "",
      sinceMs: typeof sinceMs === "number" ? sinceMs : 0,
    };
  } catch {
    return undefined;
  }
}

/** As it is said. A replica that knows no rollbacks reads that nothing is off. */
export type SaidRollback = { readonly disabled: false } & (Rollback | TakenBack);

/** Who serves what of its own again. */
type TakenBack = Omit<Rollback, "to" | "from">;

export function saidRollback(said: Rollback | TakenBack): SaidRollback {
  return { disabled: false, ...said };
}
