// The places of handlers that are off: what is published for them meanwhile has to wait, also where their stream does not
// keep it by itself (`Binder.hold`).
//
// P1  A handler that was off from the start has no version yet that says what it takes. It is looked at, in the process
//     where handlers are evaluated, unless its source says outright that it is of another kind; its function never runs.

import { readFile } from "node:fs/promises";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeEvent } from "../events.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { SlotDeps } from "./slot-deps.ts";

/** Any other way to say it, or none, may mean a durable one: a constant, metadata that is spread, a default. */
const OTHER_KIND = /\bkind\s*:\s*["'](?:event|request)["']/;

export interface HeldPlacesOptions {
  readonly deps: Pick<SlotDeps, "binder" | "bundler" | "evaluator" | "known">;
  /** What a version of the handler has said, and its file; undefined: there is no such handler. */
  readonly find: (
    name: string,
  ) => { readonly file: HandlerFile; readonly metadata: ResolvedMetadata | undefined } | undefined;
}

export class HeldPlaces {
  private readonly options: HeldPlacesOptions;
  private readonly held = new Map<string, Promise<() => void>>();

  constructor(options: HeldPlacesOptions) {
    this.options = options;
  }

  /** Follows what becomes of the handlers. */
  saw(event: RuntimeEvent): void {
    if (event.type !== "handler.state") return;
    if (event.to === "disabled") this.hold(event.handler);
    else if (event.to === "serving" || event.to === "idle" || event.to === "stopped") this.release(event.handler);
  }

  close(): void {
    for (const name of [...this.held.keys()]) this.release(name);
  }

  private hold(name: string): void {
    if (!this.held.has(name)) this.held.set(name, this.holdOne(name));
  }

  /** Its durable is bound again, or nobody looks after it any more. */
  private release(name: string): void {
    void this.held.get(name)?.then((release) => release());
    this.held.delete(name);
  }

  private async holdOne(name: string): Promise<() => void> {
    const { deps, find } = this.options;
    const found = find(name);
    // A file that does not build or load says nothing: its failure is told when it is turned on.
    const metadata =
      found && (found.metadata ?? deps.known(name) ?? (await this.look(found.file).catch(() => undefined)));
    return metadata === undefined ? () => undefined : deps.binder.hold(name, metadata);
  }

  /** P1. */
  private async look(file: HandlerFile): Promise<ResolvedMetadata | undefined> {
    const { bundler, evaluator } = this.options.deps;
    if (OTHER_KIND.test(await readFile(file.path, "utf8"))) return undefined;
    const built = await bundler.build(file);
    if (!built.ok) return undefined;
    try {
      return (await evaluator.look(file, built.bundle)).metadata;
    } finally {
      await bundler.retire(built.bundle);
    }
  }
}
