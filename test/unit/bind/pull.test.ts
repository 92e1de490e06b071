import { headers as createHeaders, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { PullSource, statusKind, TICK_MS } from "../../../runtime/bind/pull.ts";
import type { Uplink } from "../../../runtime/bind/uplink.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

interface Request {
  readonly batch: number;
  readonly reply: string;
}

let requests: Request[];
let lost: string[];
let failures: Error[];
let expired: number;
let free: number;
let slots: number;
let clock: FakeClock;
let callback: (error: Error | null, message: Msg) => void;
let drained: number;
let source: PullSource;
let throwing: boolean;

beforeEach(() => {
  [requests, lost, failures, expired, free, slots, drained, throwing] = [[], [], [], 0, 8, 8, 0, false];
  clock = fakeClock();
  const subscription = { drain: async () => void drained++ } as Partial<Subscription> as Subscription;
  const connection: Partial<NatsConnection> = {
    subscribe: (_subject, options) => {
      callback = options!.callback as typeof callback;
      return subscription;
    },
  };
  const uplink = {
    isUp: true,
    sendNow: (_subject: string, payload: Uint8Array, reply?: string) =>
      void requests.push({ batch: JSON.parse(Buffer.from(payload).toString()).batch, reply: reply! }),
  };
  source = new PullSource({
    connection: connection as NatsConnection,
    uplink: uplink as Partial<Uplink> as Uplink,
    clock,
    inboxPrefix: "_INBOX_app",
    stream: "TODO",
    durable: "app-save",
    owner: {
      free: () => free,
      slots: () => slots,
      arrived: () => {
        if (throwing) throw new Error("a fault of ours");
        free--;
      },
      expired: () => void expired++,
      lost: (why) => void lost.push(why),
      failed: (error) => void failures.push(error),
    },
  });
  source.renew();
});

function arrive(count = 1): void {
  for (let at = 0; at < count; at++) callback(null, { subject: "todo.new", reply: "$JS.ACK.x" } as Msg);
}

function status(code: number, description: string, owed?: number, request = requests.at(-1)!): void {
  const headers = createHeaders(code, description);
  if (owed !== undefined) headers.set("Nats-Pending-Messages", String(owed));
  callback(null, { subject: request.reply, reply: "", headers } as Msg);
}

const batches = () => requests.map(({ batch }) => batch);

describe("asking for messages", () => {
  it("asks for as many as there are free slots, over an inbox of the connection's prefix", () => {
    expect(batches()).toEqual([8]);
    expect(requests[0]!.reply).toMatch(/^_INBOX_app\./);
  });

  it("asks again when a quarter of the slots is free, and not before", () => {
    arrive(8);
    free = 1;
    source.request();
    expect(batches()).toEqual([8, 1]); // Nothing was outstanding.
    free = 2;
    source.request();
    expect(batches()).toEqual([8, 1]);
    free = 3;
    source.request();
    expect(batches()).toEqual([8, 1, 2]);
  });

  it("never has more outstanding than there are free slots", () => {
    for (let at = 0; at < 5; at++) source.request();
    arrive(3);
    source.request();
    expect(source.outstanding).toBeLessThanOrEqual(free);
    expect(batches()).toEqual([8]);
  });

  it("asks for what an expired request still owed", () => {
    arrive(3);
    status(408, "Request Timeout", 5);
    expect([expired, batches()]).toEqual([1, [8, 5]]);
    expect(source.outstanding).toBe(5);
  });

  it("takes a request that says nothing of what it owed for one that owed everything", () => {
    status(404, "No Messages");
    expect(batches()).toEqual([8, 8]);
  });

  it("waits a second after a refusal", () => {
    status(409, "Exceeded MaxWaiting");
    expect(batches()).toEqual([8]);
    clock.advance(1_000);
    expect(batches()).toEqual([8, 8]);
  });
});

describe("losing the consumer", () => {
  it("is told once, and nothing is asked for until it is renewed", () => {
    status(409, "Consumer Deleted");
    expect(lost).toEqual(["Consumer Deleted"]);
    source.request();
    expect(batches()).toEqual([8]);
    source.renew();
    expect(batches()).toEqual([8, 8]);
  });

  it("is noticed by its silence, and a heartbeat breaks that", () => {
    for (let at = 0; at < 4; at++) {
      source.tick();
      status(100, "Idle Heartbeat");
    }
    expect(lost).toEqual([]);
    for (let at = 0; at < 3; at++) source.tick();
    expect(lost).toEqual(["it does not answer"]);
    expect(TICK_MS).toBe(10_000);
  });

  it("is noticed when requests outlive their time, heartbeats or not", () => {
    for (let at = 0; at < 5; at++) {
      status(100, "Idle Heartbeat");
      source.tick();
    }
    expect(lost).toEqual(["it does not answer"]);
  });

  it("makes what still comes from the old inbox void, except for its messages", () => {
    const old = callback;
    const [request] = requests;
    source.renew();
    expect([drained, source.outstanding]).toEqual([1, 8]);
    old(null, { subject: "todo.new", reply: "$JS.ACK.x" } as Msg);
    expect([free, source.outstanding]).toEqual([7, 8]);
    old(null, { subject: request!.reply, reply: "", headers: createHeaders(408, "Request Timeout") } as Msg);
    expect(source.outstanding).toBe(8);
  });
});

it("a fault while taking a message is told and never thrown at the client", () => {
  throwing = true;
  expect(() => arrive()).not.toThrow();
  expect(failures.map(({ message }) => message)).toEqual(["a fault of ours"]);
});

it("closed, it asks for nothing; a second close joins the first", async () => {
  await Promise.all([source.close(), source.close()]);
  source.request();
  source.renew();
  expect([batches(), drained]).toEqual([[8], 1]);
});

it.each([
  [404, "No Messages", "expired"],
  [408, "Request Timeout", "expired"],
  [409, "Consumer Deleted", "gone"],
  [409, "Consumer is push based", "gone"],
  [503, "", "gone"],
  [409, "Server Shutdown", "moved"],
  [409, "Leadership Change", "moved"],
  [409, "Exceeded MaxAckPending", "refused"],
  [400, "Bad Request", "refused"],
])("status %i %s means %s", (code, description, kind) => {
  expect(statusKind(code, description)).toBe(kind);
});
