// The right to acknowledge what a durable delivers. Without it every message comes again and is run again, for ever: so
// nothing is taken until it is given back.
//
// A1  Whether it is back is asked with a `working()` for the message whose word was refused last: at most it waits longer.
// A2  What was refused meanwhile is kept, so that what was handled can be acknowledged before anything else comes.

import type { Timer } from "../clock.ts";
import type { HoldBoard } from "../message/hold.ts";
import { answered } from "../nats/answered.ts";
import type { StreamDeps } from "./stream-deps.ts";

export interface AckRightOptions {
  readonly deps: Pick<StreamDeps, "clock" | "connection" | "sender" | "refusals">;
  readonly stream: string;
  readonly durable: string;
  readonly holds: HoldBoard;
  /** Again and again while it lasts. */
  readonly onDenied: () => void;
  /** With the reply subjects that were refused (A2). */
  readonly onGranted: (refused: Iterable<string>) => void;
}

const PROBE_EVERY_MS = 2_000;
const MOST_KEPT = 10_000;
const WORKING = new TextEncoder().encode("+WPI");

interface Denial {
  readonly probing: Timer;
  readonly refused: Set<string>;
  last: string;
  /** Refusals heard. */
  count: number;
}

export class AckRight {
  private readonly options: AckRightOptions;
  private readonly forget: () => void;
  private denial: Denial | undefined;

  constructor(options: AckRightOptions) {
    this.options = options;
    this.forget = options.deps.refusals.watch(options.durable, (reply) => this.hear(reply));
  }

  close(): void {
    this.forget();
    this.end();
  }

  private hear(reply: string): void {
    const { deps, stream, durable, holds, onDenied } = this.options;
    if (this.denial === undefined) {
      const probing = deps.clock.every(PROBE_EVERY_MS, () => void this.probe());
      this.denial = { probing, refused: new Set(), last: reply, count: 0 };
      holds.begin({
        reason: "acks-refused",
        text: `the server refuses the acknowledgements of durable "${durable}": this connection may not publish to "${reply}"`,
        remedy: `Allow it to publish to "$JS.ACK.${stream}.${durable}.>". It is tried again every two seconds; until then no message is taken.`,
      });
    }
    const { denial } = this;
    denial.last = reply;
    denial.count++;
    if (denial.refused.size < MOST_KEPT) denial.refused.add(reply);
    onDenied();
  }

  /** A1. */
  private async probe(): Promise<void> {
    const { denial } = this;
    const { sender, connection } = this.options.deps;
    if (denial === undefined || !sender.isUp) return;
    const { count } = denial;
    sender.sendNow(denial.last, WORKING);
    try {
      await answered(connection);
    } catch {
      return; // The connection is lost: asked again when it is back.
    }
    if (this.denial !== denial || denial.count > count || !sender.isUp) return;
    this.end();
    this.options.onGranted(denial.refused);
  }

  private end(): void {
    if (this.denial === undefined) return;
    this.denial.probing.cancel();
    this.denial = undefined;
    this.options.holds.end("acks-refused");
  }
}
