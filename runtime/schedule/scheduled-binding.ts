// The binding of a handler that has a schedule: the schedule runs as long as it is bound, and as its newest version says.
// What comes of it is messages like all others.

import type { Binding } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata, Schedule } from "../metadata/handler-metadata.ts";

/** What runs meanwhile. */
export interface Ticking {
  start(): void;
  /** Never rejects. */
  stop(): Promise<void>;
}

export class ScheduledBinding implements Binding {
  private readonly inner: Binding;
  private readonly tickingOf: (schedule: Schedule) => Ticking;
  private schedule: Schedule | undefined;
  private ticking: Ticking | undefined;
  /** One after another. */
  private turns: Promise<void> = Promise.resolve();

  constructor(inner: Binding, tickingOf: (schedule: Schedule) => Ticking, schedule: Schedule | undefined) {
    this.inner = inner;
    this.tickingOf = tickingOf;
    this.follow(schedule);
  }

  get idPrefixes(): readonly string[] {
    return this.inner.idPrefixes;
  }

  get hasMoved(): boolean {
    return this.inner.hasMoved === true;
  }

  get isStandby(): boolean {
    return this.inner.isStandby === true;
  }

  apply(delivery: Delivery, settlement: Settlement): string | undefined {
    return this.inner.apply(delivery, settlement);
  }

  chunk(delivery: Delivery, data: Uint8Array): void {
    this.inner.chunk(delivery, data);
  }

  roomChanged(): void {
    this.inner.roomChanged();
  }

  adopt(metadata: ResolvedMetadata): void {
    this.inner.adopt?.(metadata);
    if (JSON.stringify(metadata.schedule) !== JSON.stringify(this.schedule)) this.follow(metadata.schedule);
  }

  inSlot(delivery: Delivery, isInSlot: boolean): void {
    this.inner.inSlot?.(delivery, isInSlot);
  }

  async lookAgain(): Promise<void> {
    await this.inner.lookAgain?.();
  }

  async unbind(): Promise<void> {
    this.follow(undefined);
    // What it has just published is still taken.
    await this.turns;
    await this.inner.unbind();
  }

  private follow(schedule: Schedule | undefined): void {
    this.schedule = schedule;
    this.turns = this.turns.then(async () => {
      await this.ticking?.stop();
      // Unbound, or saved again, meanwhile.
      this.ticking = schedule === undefined || schedule !== this.schedule ? undefined : this.tickingOf(schedule);
      this.ticking?.start();
    });
  }
}
