// A `max_deliver` that somebody has set on a durable. What has reached it is handed out to nobody any more, whatever is set
// later: the server tells of each such message once, and forgets it.
//
// D1  It is set back as soon as it is seen: attempts are counted by the runtime.
// D2  A message that the server tells of becomes a dead letter. When this replica has it in hand, then only if it fails; every
//     replica hears of it, and the letter is the same one.

import type { ConsumerConfig, JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { StandingSubscription } from "../nats/standing-subscriptions.ts";
import { type DurableSpec, ensureDurable } from "../streams/durable-consumer.ts";
import type { StreamDeps } from "./stream-deps.ts";

export interface DeliveryLimitOptions {
  readonly deps: Pick<StreamDeps, "connection" | "subscriptions" | "notices" | "pending">;
  readonly jsm: JetStreamManager;
  readonly spec: DurableSpec;
  /** Whether a message is in hand here: then `why` is kept with it, for the letter that it is to become if it fails. */
  readonly keepIfInHand: (sequence: number, why: string) => boolean;
  readonly onUsedUp: (message: StoredMsg, deliveries: number, why: string) => void;
  readonly onFault: (error: unknown) => void;
}

/** Without the right to hear of them nobody tells; it is asked for now and then. */
const RETRY_MS = 600_000;

export class DeliveryLimit {
  private readonly options: DeliveryLimitOptions;
  private readonly subscription: StandingSubscription;
  private setting: Promise<void> | undefined;

  constructor(options: DeliveryLimitOptions) {
    this.options = options;
    const { deps, spec } = options;
    this.subscription = deps.subscriptions.subscribe(usedUpSubject(spec), {
      retryMs: RETRY_MS,
      onMessage: (message) => this.onUsedUp(message.string()),
      onRefused: () => undefined, // The connection tells of it.
    });
  }

  /** The durable is set up so now (D1). */
  adopt({ max_deliver = -1 }: Pick<ConsumerConfig, "max_deliver">): void {
    if (max_deliver <= 0) return;
    this.setting ??= this.setBack(max_deliver).finally(() => {
      this.setting = undefined;
    });
  }

  /** Resolves when nothing more is heard. Never rejects. */
  close(): Promise<void> {
    return this.subscription.close();
  }

  private async setBack(found: number): Promise<void> {
    const { deps, jsm, spec, onFault } = this.options;
    const { handler, durable } = spec;
    const message = `max_deliver of durable "${durable}" was set to ${found}, and is set back: attempts of handler "${handler}" are counted by the runtime, as its \`retry\` says; what has reached the limit before is a dead letter`;
    await ensureDurable(deps.connection, jsm, spec).then(
      () => deps.notices.tell(`max deliver ${durable}`, "warn", message),
      onFault,
    );
  }

  private onUsedUp(advisory: string): void {
    const told = usedUpOf(advisory);
    if (told === undefined) return;
    const { deps, spec, keepIfInHand } = this.options;
    this.adopt({ max_deliver: told.deliveries });
    const why = `somebody had set max_deliver of durable "${spec.durable}" to ${told.deliveries}: after so many deliveries the server hands it out no more`;
    if (!keepIfInHand(told.sequence, why)) deps.pending.add(this.fetch(told, why));
  }

  private async fetch({ sequence, deliveries }: UsedUp, why: string): Promise<void> {
    const { jsm, spec, onUsedUp, onFault } = this.options;
    try {
      const message = await jsm.streams.getMessage(spec.stream, { seq: sequence });
      if (message !== null) onUsedUp(message, deliveries, why);
    } catch (error) {
      onFault(error);
    }
  }
}

interface UsedUp {
  readonly sequence: number;
  readonly deliveries: number;
}

/** Where the server tells of messages of a durable that have reached its `max_deliver`. */
export function usedUpSubject({ stream, durable }: Pick<DurableSpec, "stream" | "durable">): string {
  return `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.${durable}`;
}

function usedUpOf(advisory: string): UsedUp | undefined {
  try {
    const { stream_seq: sequence, deliveries } = JSON.parse(advisory) as Record<string, unknown>;
    return Number.isSafeInteger(sequence) && Number.isSafeInteger(deliveries)
      ? { sequence: sequence as number, deliveries: deliveries as number }
      : undefined;
  } catch {
    return undefined; // Anybody may publish there.
  }
}
