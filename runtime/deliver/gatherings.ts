// Messages that wait for others to join them in a batch: those of each key by themselves, side by side. Without keys all have one
// in common. No clock here: whoever asks says what time it is.
//
// G1  Those of a key are ready when they are as many as a batch takes, in number or in bytes; when the first of them has waited
//     for `waitMs` since it arrived; or when it is known that no more will come. What comes to those that are due joins them.
// G2  Keys have their turns in the order in which they became ready. One that has more than a batch takes goes to the end.

import type { Delivery } from "../message/delivery.ts";

export interface GatherRule {
  /** Most messages in one batch. */
  readonly size: number;
  /** Longest wait of a message for others to join it. */
  readonly waitMs: number;
  /** Undefined: all may be together. */
  readonly keyOf?: ((delivery: Delivery) => string) | undefined;
}

interface Gathering {
  readonly key: string;
  members: Delivery[];
  bytes: number;
  /** So many, from the front, wait for no others. */
  due: number;
  /** When its first message has waited long enough. */
  dueAtMs: number;
}

/** The worker holds all of them decoded. */
const FULL_BYTES = 8 * 1024 * 1024;

export class Gatherings {
  private readonly rule: GatherRule;
  private readonly byKey = new Map<string, Gathering>();
  /** G2. */
  private readonly ready = new Set<Gathering>();

  constructor(rule: GatherRule) {
    this.rule = rule;
  }

  /** Returns when it is to be begun at the latest; undefined: it is ready. */
  add(delivery: Delivery, nowMs: number): number | undefined {
    const key = this.rule.keyOf?.(delivery) ?? "";
    const gathering = this.byKey.get(key) ?? this.begin(key);
    if (gathering.members.push(delivery) === 1) gathering.dueAtMs = this.dueAt(gathering, nowMs);
    gathering.bytes += delivery.data.length;
    if (gathering.due > 0) gathering.due = gathering.members.length;
    if (this.isReady(gathering)) this.ready.add(gathering);
    return gathering.due > 0 ? undefined : gathering.dueAtMs;
  }

  /** Returns when the next of those that are not due yet is; undefined: there is none. */
  passed(nowMs: number): number | undefined {
    let nextMs: number | undefined;
    for (const gathering of this.byKey.values()) {
      if (gathering.due > 0) continue;
      if (gathering.dueAtMs <= nowMs) this.makeDue(gathering);
      else nextMs = Math.min(nextMs ?? gathering.dueAtMs, gathering.dueAtMs);
    }
    return nextMs;
  }

  /** No more will come to those that are there. */
  allDue(): void {
    for (const gathering of this.byKey.values()) this.makeDue(gathering);
  }

  /** G2: the members of the next batch; undefined: none is ready. */
  cut(nowMs: number): readonly Delivery[] | undefined {
    const [next] = this.ready;
    return next && this.cutFrom(next, nowMs);
  }

  /** Of those that have most, ready or not; undefined: there are none. */
  cutFullest(nowMs: number): readonly Delivery[] | undefined {
    let fullest: Gathering | undefined;
    for (const gathering of this.byKey.values()) {
      if (fullest === undefined || gathering.members.length > fullest.members.length) fullest = gathering;
    }
    return fullest && this.cutFrom(fullest, nowMs);
  }

  takeAll(): Delivery[] {
    const all = this.all;
    this.byKey.clear();
    this.ready.clear();
    return all;
  }

  get isEmpty(): boolean {
    return this.byKey.size === 0;
  }

  get all(): Delivery[] {
    return [...this.byKey.values()].flatMap(({ members }) => members);
  }

  private begin(key: string): Gathering {
    const gathering: Gathering = { key, members: [], bytes: 0, due: 0, dueAtMs: 0 };
    this.byKey.set(key, gathering);
    return gathering;
  }

  /** What has waited before it came here is due at once; who hands it over may be about to hand over more. */
  private dueAt({ members }: Gathering, nowMs: number): number {
    return (members[0]!.arrivedAtMs ?? nowMs) + this.rule.waitMs;
  }

  private makeDue(gathering: Gathering): void {
    gathering.due = gathering.members.length;
    this.ready.add(gathering);
  }

  /** G1. */
  private isReady({ members, bytes, due }: Gathering): boolean {
    return due > 0 || members.length >= this.rule.size || bytes >= FULL_BYTES;
  }

  private cutFrom(gathering: Gathering, nowMs: number): readonly Delivery[] {
    const { members } = gathering;
    const most = Math.min(this.rule.size, members.length);
    let bytes = 0;
    let count = 0;
    while (count < most && bytes < FULL_BYTES) bytes += members[count++]!.data.length;
    this.ready.delete(gathering);
    if (count === members.length) {
      this.byKey.delete(gathering.key);
      return members;
    }
    gathering.bytes -= bytes;
    gathering.due = Math.max(0, gathering.due - count);
    const cut = members.splice(0, count);
    gathering.dueAtMs = this.dueAt(gathering, nowMs);
    if (this.isReady(gathering)) this.ready.add(gathering);
    return cut;
  }
}
