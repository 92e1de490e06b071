// The publisher, in a process of its own: floods, asks, or publishes at a pace, and measures what only it can see.

import { connect, type NatsConnection } from "@nats-io/transport-node";
import { serve } from "../rpc.ts";
import { payloadOf } from "../work.ts";
import { askByWire, type WireAsk } from "./asker.ts";
import { type Flood, type Flooded, FloodSocket } from "./flood.ts";
import { type Account, type Pace, PacedPublisher } from "./pace.ts";
import { publishSteadily, type Steady } from "./steady.ts";

export interface Ask {
  readonly subject: string;
  readonly count: number;
  readonly payloadBytes: number;
  readonly atOnce: number;
}

export interface Asked {
  readonly wallMs: number;
  /** One latency for each request, in the order of their ends. */
  readonly latenciesMs: readonly number[];
  readonly failed: number;
}

const REQUEST_LIMIT_MS = 10_000;

let nats: NatsConnection;
let socket: FloodSocket;
let paced: PacedPublisher | undefined;

async function ask({ subject, count, payloadBytes, atOnce }: Ask): Promise<Asked> {
  const payload = payloadOf(payloadBytes);
  const latenciesMs: number[] = [];
  let failed = 0;
  let next = 0;
  async function askInTurn(): Promise<void> {
    while (next++ < count) {
      const startedMs = performance.now();
      const reply = await nats.request(subject, payload, { timeout: REQUEST_LIMIT_MS });
      latenciesMs.push(performance.now() - startedMs);
      if (reply.data.length === 0 || reply.headers !== undefined) failed++;
    }
  }
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: atOnce }, askInTurn));
  return { wallMs: performance.now() - startedMs, latenciesMs, failed };
}

const commands = {
  start: async (natsUrl: string): Promise<void> => {
    nats = await connect({ servers: natsUrl, name: "bench/publisher", noAsyncTraces: true });
    socket = await FloodSocket.open(natsUrl);
  },
  publish: async ({ subject, text }: { subject: string; text: string }): Promise<void> => {
    nats.publish(subject, text);
    await nats.flush();
  },
  flood: (flood: Flood): Promise<Flooded> => socket.run(flood, nats),
  ask,
  askByWire: (asking: WireAsk): Promise<Asked> => askByWire(nats, asking),
  steady: (steady: Steady): Promise<number> => publishSteadily(nats, steady),
  startPace: async (pace: Pace): Promise<void> => {
    paced = new PacedPublisher(nats, pace);
  },
  stopPace: async (_: null): Promise<Account> => {
    if (paced === undefined) throw new Error("no pace was started");
    return paced.stop();
  },
  close: async (_: null): Promise<void> => {
    socket.close();
    await nats.close();
  },
};

export type PublisherCommands = typeof commands;

serve(commands);
