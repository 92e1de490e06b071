// What the operator wants of a handler. Several may speak; the strongest that says "disabled" is the one shown.

/** Strongest first: an environment that turns a handler off in one container is not overruled from outside. */
export type IntentSource = "env" | "config" | "metadata" | "operator" | "start";

export interface Disabled {
  readonly source: IntentSource;
  /** Who, for an operator's; else the source itself. */
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
  /** Milliseconds since the epoch; undefined: until enabled. */
  readonly untilMs: number | undefined;
  /** Kill what is in flight instead of letting it finish. */
  readonly now: boolean;
}

const STRENGTH: readonly IntentSource[] = ["env", "config", "operator", "start", "metadata"];

/** The strongest that says "disabled", or undefined when none does. */
export function strongest(said: ReadonlyMap<IntentSource, Disabled>): Disabled | undefined {
  for (const source of STRENGTH) {
    const disabled = said.get(source);
    if (disabled !== undefined) return disabled;
  }
  return undefined;
}

/** What has been said of one handler. */
export class Intents {
  private readonly said = new Map<IntentSource, Disabled>();

  /** The strongest that says "disabled", or undefined when none does. */
  get disabled(): Disabled | undefined {
    return strongest(this.said);
  }

  has(source: IntentSource): boolean {
    return this.said.has(source);
  }

  say(source: IntentSource, disabled: Disabled | undefined): void {
    if (disabled === undefined) this.said.delete(source);
    else this.said.set(source, disabled);
  }
}

/** Of a replica that was told to begin with nothing: until an operator enables the handler. */
export function heldFromStart(nowMs: number): Disabled {
  return { source: "start", by: "start --hold", reason: "", sinceMs: nowMs, untilMs: undefined, now: false };
}

/** As a handler's own metadata says it. */
export function disabledByMetadata(nowMs: number): Disabled {
  return { source: "metadata", by: "metadata", reason: "", sinceMs: nowMs, untilMs: undefined, now: false };
}
