import { headers as createHeaders, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { LingeringInboxes } from "../../../runtime/bind/lingering-inboxes.ts";
import { PullSource, statusKind, TICK_MS } from "../../../runtime/bind/pull.ts";
import type { HoldReason } from "../../../runtime/message/hold.ts";
import type { ConnectedSender } from "../../../runtime/nats/send-when-connected.ts";
import type {
  StandingOptions,
  StandingSubscription,
  StandingSubscriptions,
} from "../../../runtime/nats/standing-subscriptions.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

interface Request {
  readonly batch: number;
  readonly expires: number;
  readonly idle_heartbeat: number;
  readonly group?: string;
  readonly id?: string;
  readonly reply: string;
}

let requests: Request[];
let lost: string[];
let failures: Error[];
let expired: number;
let free: number;
let slots: number;
let clock: FakeClock;
let callback: (message: Msg) => void;
let subscribed: StandingOptions;
let refusal: Error | undefined;
let holds: Map<HoldReason, string>;
let lookups: number;
let drained: number;
let source: PullSource;
let throwing: boolean;
let lingering: LingeringInboxes;
let left: number;

beforeEach(() => {
  [requests, lost, failures, expired, free, slots, drained, throwing] = [[], [], [], 0, 8, 8, 0, false];
  clock = fakeClock();
  [holds, refusal, lookups, left] = [new Map(), undefined, 0, 0];
  lingering = new LingeringInboxes(clock);
  const subscription = {
    get refusal() {
      return refusal;
    },
    close: async () => void drained++,
  } as Partial<StandingSubscription> as StandingSubscription;
  const subscriptions: Partial<StandingSubscriptions> = {
    subscribe: (_subject, options) => {
      subscribed = options;
      callback = options.onMessage;
      return subscription;
    },
  };
  const sender = {
    isUp: true,
    sendNow: (_subject: string, payload: Uint8Array, reply?: string) =>
      void requests.push({ ...JSON.parse(Buffer.from(payload).toString()), reply: reply! }),
  };
  source = new PullSource({
    connection: {} as NatsConnection,
    subscriptions: subscriptions as StandingSubscriptions,
    leave: (subscription, askedMsAgo) => lingering.leave(subscription, askedMsAgo, async () => void left++),
    holds: {
      begin: ({ reason, text }) => void holds.set(reason, text),
      end: (reason) => void holds.delete(reason),
    },
    sender: sender as Partial<ConnectedSender> as ConnectedSender,
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
      refused: () => void lookups++,
      lost: (why) => void lost.push(why),
      failed: (error) => void failures.push(error),
    },
  });
  source.renew();
});

function arrive(count = 1): void {
  for (let at = 0; at < count; at++) callback({ subject: "todo.new", reply: "$JS.ACK.x" } as Msg);
}

function status(code: number, description: string, owed?: number, request = requests.at(-1)!): void {
  const headers = createHeaders(code, description);
  if (owed !== undefined) headers.set("Nats-Pending-Messages", String(owed));
  callback({ subject: request.reply, reply: "", headers } as Msg);
}

/** Resolves when the promises made so far have had their turn. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
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

describe("a refused request", () => {
  it("is asked again at once, within the limits that its refusal tells", () => {
    status(409, "Exceeded MaxRequestBatch of 3");
    expect(batches()).toEqual([8, 3, 3, 2]);
    status(409, "Exceeded MaxRequestExpires of 1s", undefined, requests.at(-1));
    expect(requests.at(-1)).toMatchObject({ expires: 1e9, idle_heartbeat: 5e8 });
    expect([holds.size, lookups]).toEqual([0, 0]);
  });

  it("made before the limits were known is no hold", () => {
    arrive(4);
    source.request();
    const [first, second] = requests;
    status(409, "Exceeded MaxRequestExpires of 1s", undefined, second);
    status(409, "Exceeded MaxRequestExpires of 1s", 4, first);
    expect(holds.size).toBe(0);
  });

  it("is a hold with the server's words when they do not help, until one is taken", () => {
    status(409, "Exceeded MaxWaiting");
    expect(holds.get("pulls-refused")).toContain('"409 Exceeded MaxWaiting"');
    expect(lookups).toBe(1);
    clock.advance(1_000);
    status(100, "Idle Heartbeat");
    expect(holds.size).toBe(0);
  });

  it("goes by the consumer's configuration once that is known: its limits and its priority group", () => {
    status(400, "Bad Request - Priority Group missing");
    expect(holds.has("pulls-refused")).toBe(true);
    source.adopt({ priority_groups: ["g"], max_expires: 2e9 });
    expect(requests.at(-1)).toMatchObject({ batch: 8, group: "g", expires: 2e9, idle_heartbeat: 1e9 });
    source.adopt({ priority_groups: ["g"], max_expires: 2e9 });
    expect(requests).toHaveLength(2);
  });

  it("names the pin that came with a message of its group, until the server does not know it any more", () => {
    source.adopt({ priority_groups: ["g"] });
    const headers = createHeaders();
    headers.set("Nats-Pin-Id", "p1");
    for (let at = 0; at < 8; at++) callback({ subject: "todo.new", reply: "$JS.ACK.x", headers } as Msg);
    free = 8;
    source.request();
    expect(requests.at(-1)).toMatchObject({ group: "g", id: "p1" });
    status(423, "Nats-Pin-Id mismatch");
    expect(requests.at(-1)!.id).toBeUndefined();
  });
});

describe("an inbox that the server refuses", () => {
  it("is a hold, and nothing is asked for until it is granted", () => {
    refusal = new Error("Permissions Violation");
    subscribed.onRefused(refusal);
    expect(holds.get("subscription-refused")).toContain("Permissions Violation");
    arrive(8);
    free = 8;
    source.request();
    expect(batches()).toEqual([8]);
    refusal = undefined;
    subscribed.onGranted!();
    expect([holds.size, batches()]).toEqual([0, [8, 8]]);
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
    expect(source.outstanding).toBe(8);
    old({ subject: "todo.new", reply: "$JS.ACK.x" } as Msg);
    expect([free, source.outstanding]).toEqual([7, 8]);
    old({ subject: request!.reply, reply: "", headers: createHeaders(408, "Request Timeout") } as Msg);
    expect(source.outstanding).toBe(8);
  });
});

it("a fault while taking a message is told and never thrown at the client", () => {
  throwing = true;
  expect(() => arrive()).not.toThrow();
  expect(failures.map(({ message }) => message)).toEqual(["a fault of ours"]);
});

describe("an inbox that is left", () => {
  it("stays open while a server may take who has asked for somebody who listens, and is then told to be left", async () => {
    clock.advance(1_000);
    await source.close();
    expect([drained, left]).toEqual([0, 0]);
    arrive();
    expect(free).toBe(7);
    clock.advance(2_000);
    await turn();
    expect([drained, left]).toEqual([1, 1]);
    clock.advance(10_000);
    await turn();
    expect([drained, left]).toEqual([1, 1]);
  });

  it.each([
    ["was last asked over long ago", () => clock.advance(3_000)],
    ["owes nothing", () => arrive(8)],
  ])("is closed at once when it %s", async (_when, happens) => {
    happens();
    await source.close();
    expect([drained, left]).toEqual([1, 0]);
  });

  it("is closed before the connection is", async () => {
    await source.close();
    await lingering.close();
    expect([drained, left]).toEqual([1, 1]);
  });
});

it("closed, it asks for nothing; a second close joins the first", async () => {
  clock.advance(3_000);
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
