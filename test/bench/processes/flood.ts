// Publishes as fast as the subject under test can take it, and never faster.
//
// Core NATS has no back-pressure: a publisher that runs ahead fills the server's buffers and then the subject's, what is
// measured is how well they pile up, and in the end messages are dropped. So every handler publishes an empty message
// after each `step` messages it has handled, and the publisher keeps at most `window` messages per handler on their way.
// Both contenders answer in the same rhythm, the window is far larger than what either needs to be busy all the time, and
// smaller than the queue at which ours begins to drop.
//
// The messages go out as prepared blocks on a plain socket: with two cores for publisher, server and subject, every
// microsecond the publisher spends would be taken from the subject, and the more so from the one with two processes.

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import type { NatsConnection } from "@nats-io/transport-node";
import { payloadOf, progressSubject } from "../work.ts";
import { wrap } from "./wire.ts";

export interface Flood {
  /** Subjects that get one message after the other, in turn. */
  readonly subjects: readonly string[];
  /** Names of the handlers and the subjects they are on: several on one subject each get every message. */
  readonly handlers: readonly { readonly name: string; readonly subject: string }[];
  /** Messages published; a multiple of `step` for each subject. */
  readonly count: number;
  readonly payloadBytes: number;
  /** The wire form around the payload; as it is unless given. */
  readonly template?: string;
  readonly step: number;
  readonly window: number;
}

export interface Flooded {
  /** From the first byte written to the last message handled. */
  readonly wallMs: number;
}

const STALL_MS = 10_000;

export class FloodSocket {
  private readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  static async open(natsUrl: string): Promise<FloodSocket> {
    const { hostname, port } = new URL(natsUrl);
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, "connect");
    socket.on("data", (bytes) => {
      if (bytes.includes("PING")) socket.write("PONG\r\n");
    });
    socket.on("error", () => undefined); // The missing progress tells.
    socket.write('CONNECT {"verbose":false,"pedantic":false,"name":"bench/flood"}\r\n');
    return new FloodSocket(socket);
  }

  close(): void {
    this.socket.destroy();
  }

  /** Rejects when for STALL_MS nothing was handled: messages were lost then. */
  async run(flood: Flood, nats: NatsConnection): Promise<Flooded> {
    const tally = new Tally(flood, nats);
    await nats.flush();
    const block = blockOf(flood);
    try {
      const startedMs = performance.now();
      for (let sent = 0; sent < flood.count; sent += flood.step * flood.subjects.length) {
        await tally.room();
        tally.sent(flood.step);
        if (!this.socket.write(block)) await once(this.socket, "drain");
      }
      await tally.done();
      return { wallMs: performance.now() - startedMs };
    } finally {
      tally.close();
    }
  }
}

/** `step` messages for each subject, the subjects in turn. */
function blockOf({ subjects, payloadBytes, template = "$DATA", step }: Flood): Buffer {
  const parts: string[] = [];
  for (let number = 0; number < step; number++) {
    const message = wrap(template, payloadOf(payloadBytes, number), number);
    for (const subject of subjects) parts.push(`PUB ${subject} ${message.length}\r\n${message}\r\n`);
  }
  return Buffer.from(parts.join(""));
}

/** What each handler still has to handle. */
class Tally {
  private readonly open: Map<string, number>;
  private readonly step: number;
  private readonly window: number;
  private readonly subscriptions;
  private changed = Promise.withResolvers<void>();

  constructor({ handlers, step, window }: Flood, nats: NatsConnection) {
    this.open = new Map(handlers.map(({ name }) => [name, 0]));
    this.step = step;
    this.window = window;
    this.subscriptions = handlers.map(({ name }) =>
      nats.subscribe(progressSubject(name), { callback: () => this.progress(name) }),
    );
  }

  sent(count: number): void {
    for (const [name, open] of this.open) this.open.set(name, open + count);
  }

  /** Resolves when no handler has more than the window, with the next block, before it. */
  async room(): Promise<void> {
    while (this.most > this.window - this.step) await this.next();
  }

  async done(): Promise<void> {
    while (this.most > 0) await this.next();
  }

  close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  private get most(): number {
    let most = 0;
    for (const open of this.open.values()) if (open > most) most = open;
    return most;
  }

  private progress(name: string): void {
    this.open.set(name, (this.open.get(name) ?? 0) - this.step);
    this.changed.resolve();
    this.changed = Promise.withResolvers();
  }

  private async next(): Promise<void> {
    const stalled = setTimeout(() => this.changed.reject(new Error(this.describeStall())), STALL_MS);
    await this.changed.promise.finally(() => clearTimeout(stalled));
  }

  private describeStall(): string {
    const left = [...this.open].filter(([, open]) => open > 0).map(([name, open]) => `${name} ${open}`);
    return `nothing handled for ${STALL_MS} ms; still open: ${left.join(", ")}`;
  }
}
