// Deliveries waiting for a free place, those of a key behind each other and the keys beside each other.
//
// K1  Keys of which one may begin are served in turn, a message each.
// K2  A key of which none may begin now (key-gate.ts) lets the others pass, and comes after them when one may.

import type { Clock, Timer } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import type { KeyOf } from "../message/message-key.ts";
import { DeliveryQueue, type WaitingDeliveries } from "./delivery-queue.ts";
import { KeyGate, type KeyGateOptions } from "./key-gate.ts";

/** What a handler's metadata says of its keys. */
export interface KeyRules extends Pick<KeyGateOptions, "rate" | "most" | "fleetTurns"> {
  readonly keyOf: KeyOf;
  /** Stored messages are looked at though nothing is free, so that one of another key is found behind those of a flood. */
  readonly looksAhead: boolean;
}

export interface KeyedQueueOptions {
  readonly rules: KeyRules;
  readonly maxQueued: number;
  readonly maxBytes: number;
  readonly clock: Clock;
  /** One that waits may begin. */
  readonly onOpen: () => void;
}

interface Line {
  readonly waiting: DeliveryQueue;
  /** Until then none of the key may begin; undefined: it is served in turn, or nobody has asked. */
  shut: Timer | "until-told" | undefined;
}

/** So many at a time: what comes in one go is decided on before the loop goes on. */
const LOOK_AHEAD = 1_024;
/** Of a message, as long as none is known. */
const ASSUMED_BYTES = 65_536;

export class KeyedQueue implements WaitingDeliveries {
  private readonly options: KeyedQueueOptions;
  private readonly gate: KeyGate;
  private readonly lines = new Map<string, Line>();
  /** K1: those of the lines that are not shut, the next first. */
  private readonly inTurn = new Set<string>();
  /** Of what waits here, or was taken and has not ended. */
  private readonly keys = new Map<Delivery, string>();
  private count = 0;
  private shutCount = 0;
  private bytes = 0;

  constructor(options: KeyedQueueOptions) {
    const { rules, clock, onOpen } = options;
    this.options = options;
    this.gate = new KeyGate({
      ...rules,
      clock,
      waiting: (key) => this.lines.get(key)?.waiting.size ?? 0,
      onOpen: (key) => this.reopen(key) && onOpen(),
    });
  }

  get size(): number {
    return this.count;
  }

  get looksAhead(): boolean {
    return this.options.rules.looksAhead;
  }

  /** How many more stored messages are wanted where so many places are free. */
  room(free: number): number {
    const { rules, maxQueued, maxBytes } = this.options;
    const each = this.count === 0 ? ASSUMED_BYTES : Math.max(1, this.bytes / this.count);
    const space = Math.min(maxQueued - this.count, Math.floor((maxBytes - this.bytes) / each));
    return Math.max(0, Math.min(space, rules.looksAhead ? LOOK_AHEAD : free - (this.count - this.shutCount)));
  }

  /** The one that `shift` takes. Undefined: none that waits may begin now. */
  get first(): Delivery | undefined {
    const key = this.nextKey();
    return key === undefined ? undefined : this.lines.get(key)?.waiting.first;
  }

  private nextKey(): string | undefined {
    const nowMs = this.options.clock.monotonicMs();
    for (const key of this.inTurn) {
      const waitMs = this.gate.waitMs(key, nowMs);
      if (waitMs === 0) return key;
      this.shut(key, waitMs);
    }
    return undefined;
  }

  /** False when the queue is full: the delivery was not taken. */
  push(delivery: Delivery): boolean {
    const { maxQueued, maxBytes, rules } = this.options;
    if (this.count >= maxQueued || this.bytes + delivery.data.length > maxBytes) return false;
    this.add(rules.keyOf(delivery), delivery, (line) => line.waiting.push(delivery));
    return true;
  }

  /** Put back at the front what had been taken, in its order. */
  putBack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries.toReversed()) {
      const key = this.keys.get(delivery) ?? this.options.rules.keyOf(delivery);
      if (this.keys.has(delivery)) this.gate.ended(key);
      this.add(key, delivery, (line) => line.waiting.putBack([delivery]));
    }
  }

  private add(key: string, delivery: Delivery, into: (line: Line) => void): void {
    const line = this.lines.get(key) ?? { waiting: new DeliveryQueue(Infinity, Infinity), shut: undefined };
    this.lines.set(key, line);
    into(line);
    this.keys.set(delivery, key);
    this.count++;
    this.bytes += delivery.data.length;
    if (line.shut === undefined) this.inTurn.add(key);
    else this.shutCount++;
  }

  /** Takes the first, which begins; it is to be told of when it has `ended`, unless it is put back. */
  shift(): Delivery | undefined {
    const key = this.nextKey();
    const line = key === undefined ? undefined : this.lines.get(key);
    const delivery = line?.waiting.shift();
    if (key === undefined || line === undefined || delivery === undefined) return undefined;
    this.gate.take(key, this.options.clock.monotonicMs());
    this.count--;
    this.bytes -= delivery.data.length;
    this.inTurn.delete(key);
    if (line.waiting.size > 0) this.inTurn.add(key);
    else this.lines.delete(key);
    return delivery;
  }

  /** It was taken, and is not running any more. */
  ended(delivery: Delivery): void {
    const key = this.keys.get(delivery);
    if (key === undefined) return;
    this.keys.delete(delivery);
    this.gate.ended(key);
  }

  /** K1: in the order in which they would begin if all could. */
  takeAll(): Delivery[] {
    const all: Delivery[] = [];
    for (const { waiting, shut } of this.lines.values()) {
      if (typeof shut === "object") shut.cancel();
      all.push(...waiting.takeAll());
    }
    for (const delivery of all) this.keys.delete(delivery);
    this.lines.clear();
    this.inTurn.clear();
    this.count = 0;
    this.shutCount = 0;
    this.bytes = 0;
    this.gate.nobodyWaits();
    return all;
  }

  /** K2. */
  private shut(key: string, waitMs: number): void {
    const line = this.lines.get(key)!;
    this.inTurn.delete(key);
    this.shutCount += line.waiting.size;
    const isTimed = Number.isFinite(waitMs);
    line.shut = isTimed ? this.options.clock.after(waitMs, () => this.openAgain(key)) : "until-told";
  }

  private openAgain(key: string): void {
    if (this.reopen(key)) this.options.onOpen();
  }

  /** Returns whether something waits there that did not wait for its place only. */
  private reopen(key: string): boolean {
    const line = this.lines.get(key);
    if (line?.shut === undefined) return false;
    if (typeof line.shut === "object") line.shut.cancel();
    line.shut = undefined;
    this.shutCount -= line.waiting.size;
    this.inTurn.add(key);
    return true;
  }
}
