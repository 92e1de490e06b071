// What a handler's metadata says of when its messages may begin, as its dispatcher keeps to it: a rate over all replicas, and what
// holds for each key. Made once for a binding, so that a save that says the same begins nothing anew.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.ts";
import type { FleetRates } from "../message/fleet-rates.ts";
import type { HoldBoard } from "../message/hold.ts";
import { keyReader } from "../message/message-key.ts";
import type { Rate, RateRule, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { DispatcherLimits } from "./dispatcher-limits.ts";
import { FleetTurns } from "./fleet-turns.ts";
import type { KeyRules } from "./keyed-queue.ts";

export interface OwnPacesOptions {
  readonly handler: string;
  /** Undefined: there are no other replicas. */
  readonly fleetRates: FleetRates | undefined;
  readonly holds: HoldBoard;
  readonly clock: Clock;
  /** How many messages wait. */
  readonly waiting: () => number;
  /** One that waits may begin. */
  readonly onTurn: () => void;
}

export class OwnPaces {
  private readonly options: OwnPacesOptions;
  private ofAll: { readonly rate: RateRule; readonly turns: FleetTurns } | undefined;
  private keys: KeyRules | undefined;

  constructor(options: OwnPacesOptions) {
    this.options = options;
  }

  /** What it takes is seen to. */
  prepare({ rate }: ResolvedMetadata): void {
    if (rate?.per === "fleet") this.options.fleetRates?.prepare();
  }

  limits(limits: DispatcherLimits, metadata: ResolvedMetadata): DispatcherLimits {
    const { rate, fairBy } = metadata;
    if (rate?.per !== "fleet" && rate?.key === undefined && fairBy === undefined) return limits;
    const fleet = rate?.key === undefined ? this.turnsOfAll(rate) : undefined;
    const isKept = fleet !== undefined || rate?.key !== undefined;
    this.keys ??= this.keyRules(metadata);
    return { ...limits, rate: isKept ? undefined : limits.rate, fleet, keys: this.keys };
  }

  private turnsOfAll(rate: RateRule | undefined): FleetTurns | undefined {
    const { fleetRates, waiting, onTurn } = this.options;
    if (rate?.per !== "fleet" || fleetRates === undefined) return undefined;
    if (!isDeepStrictEqual(rate, this.ofAll?.rate))
      this.ofAll = { rate, turns: this.turns(fleetRates, rate, undefined, { waiting, onTurn }) };
    return this.ofAll?.turns;
  }

  /** Undefined: messages wait behind each other. */
  private keyRules({ rate, fairBy, kind, ...metadata }: ResolvedMetadata): KeyRules | undefined {
    const key = rate?.key ?? fairBy?.key;
    if (key === undefined) return undefined;
    const { fleetRates } = this.options;
    const own = rate?.key === undefined ? undefined : rate;
    return {
      keyOf: keyReader(key, metadata),
      rate: own,
      most: fairBy?.concurrency,
      looksAhead: fairBy !== undefined && kind === "durable",
      fleetTurns:
        own?.per === "fleet" && fleetRates !== undefined
          ? (of, waiting, onTurn) => this.turns(fleetRates, own, of, { waiting, onTurn })
          : undefined,
    };
  }

  private turns(
    fleetRates: FleetRates,
    rate: Rate,
    key: string | undefined,
    who: Pick<OwnPacesOptions, "waiting" | "onTurn">,
  ): FleetTurns {
    const { handler, clock } = this.options;
    const { count, everyMs } = rate;
    return new FleetTurns({
      ...who,
      ...{ rate, clock },
      reserve: (turns) => fleetRates.reserve(handler, key, { count, everyMs }, turns),
      onReserved: (error) => this.told(error),
    });
  }

  private told(error: unknown): void {
    const { holds } = this.options;
    if (error === undefined) return holds.end("turns-unreserved");
    const why = error instanceof Error ? error.message : String(error);
    holds.begin({
      reason: "turns-unreserved",
      text: `its turns cannot be reserved, of a rate that holds over all replicas: ${why}`,
      remedy:
        'No message begins without one, so that the rate is not exceeded. It is tried again every second. `rate` with per: "replica" needs no JetStream.',
    });
  }
}
