// Messages of one key run one after another: whoever comes while another of its key runs is held back behind it.
//
// O1  Messages of a key begin in the order they came. One that fails does not stop those behind it.
// O2  Messages of different keys do not wait for each other.
// O3  The supervisor is told who is held back and when that ends: waiting is no part of a message's timeout.

import { FrameType } from "../protocol.ts";
import type { Link } from "./link.ts";

export type OrderBy = (event: unknown) => unknown;

export interface KeyQueueOwner {
  held(frameId: number): void;
  begun(frameId: number): void;
  /** Call back when the event loop has come round. */
  soon(callback: () => void): void;
}

interface Held {
  readonly frameId: number;
  readonly start: Start;
}

/** Undefined: it has ended already. The promise must not reject. */
type Start = () => Promise<void> | undefined;

export class KeyQueue {
  private readonly orderBy: OrderBy;
  private readonly owner: KeyQueueOwner;
  /** By each key of which a message runs, those held back behind it. */
  private readonly behind = new Map<string, Held[]>();

  constructor(orderBy: OrderBy, owner: KeyQueueOwner) {
    this.orderBy = orderBy;
    this.owner = owner;
  }

  /** Start it now, or when those of its key that came before have ended. Throws what `orderBy` throws. */
  take(frameId: number, event: unknown, start: Start): void {
    const key = keyOf(this.orderBy(event));
    const held = this.behind.get(key);
    if (held === undefined) {
      this.behind.set(key, []);
      return this.begin(key, start);
    }
    held.push({ frameId, start });
    this.owner.held(frameId);
  }

  private begin(key: string, start: Start): void {
    const running = start();
    if (running === undefined) this.ended(key);
    else void running.then(() => this.ended(key));
  }

  private ended(key: string): void {
    const next = this.behind.get(key)?.shift();
    if (next === undefined) {
      this.behind.delete(key);
      return;
    }
    // Not at once: a long row of messages that end at once would keep the event loop, and grow the stack.
    this.owner.soon(() => {
      this.owner.begun(next.frameId);
      this.begin(key, next.start);
    });
  }
}

/** O3: who is held back is told over the link. */
export function keyQueueOn(link: Link, orderBy: OrderBy): KeyQueue {
  const tell = (type: number) => (frameId: number) => {
    const frame = link.begin(type);
    frame.u32(frameId);
    frame.end();
    link.schedule();
  };
  const soon = (callback: () => void) => void setImmediate(callback);
  return new KeyQueue(orderBy, { held: tell(FrameType.held), begun: tell(FrameType.begun), soon });
}

function keyOf(key: unknown): string {
  if (typeof key === "string") return key;
  if (typeof key === "number" || typeof key === "bigint" || typeof key === "boolean") return String(key);
  const what = key === null ? "null" : typeof key;
  throw new TypeError(`metadata.orderBy must give a string, but gave ${what}`);
}
