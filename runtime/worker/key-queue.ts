// Messages of one key run one after another: whoever comes while another of its key runs is held back behind it.
//
// O1  Messages of a key begin in the order they came. One that fails does not stop those behind it.
// O2  Messages of different keys do not wait for each other.
// O3  The supervisor is told who is held back and when that ends: waiting is no part of a message's timeout.

import { FrameType } from "../wire/protocol.ts";
import type { Link } from "./link.ts";
import type { Turns } from "./run-once.ts";

/** As `MessageFilter`: of the content, and of what is known of the message. */
export type OrderBy = (event: unknown, message: unknown) => unknown;

export interface KeyQueueOwner {
  held(frameId: number): void;
  begun(frameId: number): void;
  /** Call back when the event loop has come round. */
  soon(callback: () => void): void;
}

interface Held {
  readonly frameId: number;
  begin(): void;
}

/** Whose turn it is, by key. What `take` throws is what `orderBy` throws. */
export class KeyQueue implements Turns {
  private readonly orderBy: OrderBy;
  private readonly owner: KeyQueueOwner;
  /** By each key of which a message runs, those held back behind it. */
  private readonly behind = new Map<string, Held[]>();

  constructor(orderBy: OrderBy, owner: KeyQueueOwner) {
    this.orderBy = orderBy;
    this.owner = owner;
  }

  take<T>(frameId: number, event: unknown, message: unknown, start: () => T | Promise<T>): T | Promise<T> {
    const key = keyOf(this.orderBy(event, message));
    const held = this.behind.get(key);
    if (held === undefined) {
      this.behind.set(key, []);
      return this.begin(key, start);
    }
    this.owner.held(frameId);
    return new Promise((resolve) => held.push({ frameId, begin: () => resolve(this.begin(key, start)) }));
  }

  private begin<T>(key: string, start: () => T | Promise<T>): T | Promise<T> {
    const running = start();
    if (running instanceof Promise) void running.then(() => this.ended(key));
    else this.ended(key);
    return running;
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
      next.begin();
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
