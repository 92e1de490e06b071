// JSON Schemas of what handlers take, asked of a replica once for each version: it loads the handler to tell.

import type { SchemaView } from "./answers.ts";
import type { Collector } from "./collector.ts";
import type { Desk } from "./desk.ts";

/** Of so many versions; the oldest is asked for anew. */
const KEPT = 200;

export class Schemas {
  private readonly desk: Desk;
  private readonly collector: Pick<Collector, "handlers">;
  private readonly known = new Map<string, Promise<SchemaView>>();

  constructor(desk: Desk, collector: Pick<Collector, "handlers">) {
    this.desk = desk;
    this.collector = collector;
  }

  /** Rejects with NATS_UNREACHABLE. */
  of(handler: string): Promise<SchemaView> {
    const versions = this.collector.handlers.find(({ name }) => name === handler)?.versions ?? [];
    const key = [handler, ...versions.map(({ version }) => version)].join("\n");
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const asked = this.ask(handler);
    this.known.set(key, asked);
    asked.catch(() => this.known.delete(key)); // It may be there the next time.
    const [oldest] = this.known.keys();
    if (this.known.size > KEPT && oldest !== undefined) this.known.delete(oldest);
    return asked;
  }

  private async ask(handler: string): Promise<SchemaView> {
    const { contract, metadata, refusal } = await this.desk.client.contract(handler);
    if (refusal !== undefined) return { handler, problem: `it cannot be loaded now: ${refusal.message}` };
    const takes = contract?.takes;
    if (takes === undefined) return { handler, metadata, problem: "it has no schema" };
    if ("schema" in takes) return { handler, metadata, schema: takes.schema };
    return { handler, metadata, problem: `its schema ${takes.problem}` };
  }
}
