import { AckPolicy } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import type { RuntimeError } from "../../runtime/errors.ts";
import { decodeHeaders } from "../../runtime/message/header-block.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, textOf, useStreamStage } from "../support/stream-stage.ts";

const DURABLE = durableNameOf("app", "todo/save", "todo.new");

const stage = useStreamStage();
beforeEach(async () => {
  await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
});

/** Listens from now on; `all` resolves with the ack subjects once the word was said on `count` of them. */
async function listenFor(word: string, count = 1): Promise<{ readonly all: Promise<string[]> }> {
  const { client } = stage;
  const subjects: string[] = [];
  const all = new Promise<string[]>((resolve) => {
    const subscription = client.subscribe("$JS.ACK.>", {
      callback: (_error, message) => {
        if (!message.string().startsWith(word) || subjects.push(message.subject) < count) return;
        subscription.unsubscribe();
        resolve(subjects);
      },
    });
  });
  await client.flush();
  return { all };
}

async function info(durableName = DURABLE) {
  return stage.jsm.consumers.info("TODO", durableName);
}

describe("taking messages", () => {
  it("hands over what was stored before the handler existed, with subject, headers, id and attempt", async () => {
    await stage.store("todo.new", "first", "second");
    const { bind, binder } = await stage.replica();
    const owner = await bind("todo/save", durable("todo.*"));
    const [first, second] = await owner.until(2);
    expect([textOf(first!), textOf(second!)]).toEqual(["first", "second"]);
    expect(first).toMatchObject({ subject: "todo.new", seq: 1, attempt: 1, hops: 0, headers: undefined });
    expect((await binder.plan("todo/save", durable("todo.*"))).idPrefixes).toEqual(["TODO:"]);
    const acked = await listenFor("+ACK", 2);
    for (const delivery of owner.deliveries) owner.settle(delivery, ACK);
    await acked.all;
    await expect
      .poll(() => info(durableNameOf("app", "todo/save", "todo.*")))
      .toMatchObject({
        num_pending: 0,
        num_ack_pending: 0,
        ack_floor: { stream_seq: 2 },
      });
  });

  it("settles with nobody what was in hand of a stream that is made anew, and takes the new one's message of that number", async () => {
    await stage.store("todo.new", "old");
    const { bind } = await stage.replica();
    const owner = await bind("todo/save", durable("todo.new"));
    const old = await owner.next();
    await stage.jsm.streams.delete("TODO");
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    await stage.store("todo.new", "new");
    const fresh = await owner.next();
    expect([textOf(old), textOf(fresh)]).toEqual(["old", "new"]);
    expect([old.seq, fresh.seq]).toEqual([1, 1]);
    owner.settle(old, ACK);
    await stage.store("todo.new", "next");
    const next = await owner.next();
    // Whatever was said of the old one came before this.
    const acked = await listenFor("+ACK");
    owner.settle(next, ACK);
    expect(await acked.all).toEqual([expect.stringMatching(/^\$JS\.ACK\.TODO\.app-todo-save-\w+\.1\.2\./)]);
    await expect.poll(async () => (await info()).num_ack_pending).toBe(1);
    owner.settle(fresh, ACK);
    await expect.poll(async () => (await info()).num_ack_pending).toBe(0);
  });

  it("hands over the headers of a message and how many handlers it has come through", async () => {
    const { headers } = await import("@nats-io/transport-node");
    const own = headers();
    own.append("X-Colour", "red");
    own.append("X-Colour", "blue");
    own.set("Handlers-Hops", "3");
    await stage.client.request("todo.new", "text", { headers: own, timeout: 5_000 });
    const owner = await (await stage.replica()).bind("todo/save", durable("todo.new"));
    const delivery = await owner.next();
    expect(delivery.hops).toBe(3);
    expect(decodeHeaders(Buffer.from(delivery.headers!))).toEqual([
      ["X-Colour", "red"],
      ["X-Colour", "blue"],
      ["Handlers-Hops", "3"],
    ]);
    owner.settle(delivery, ACK);
  });

  it("never has more in hand than there are slots, however much is stored", async () => {
    for (let at = 0; at < 500; at++) stage.client.publish("todo.new", String(at));
    await stage.client.flush();
    const owner = await (await stage.replica()).bind("todo/save", durable("todo.new", { concurrency: 7 }), ACK);
    await owner.until(500);
    expect(owner.most).toBeLessThanOrEqual(7);
    expect(owner.deliveries.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
  });

  it("shares the messages between replicas", async () => {
    const [one, two] = [await stage.replica(), await stage.replica()];
    const metadata = durable("todo.new", { concurrency: 2 });
    const owners = [await one.bind("todo/save", metadata), await two.bind("todo/save", metadata)] as const;
    for (let at = 0; at < 4; at++) stage.client.publish("todo.new", String(at));
    await Promise.all(owners.map((owner) => owner.until(2)));
    expect(owners.flatMap(({ deliveries }) => deliveries.map(({ seq }) => seq)).sort()).toEqual([1, 2, 3, 4]);
  });

  it("gives two handlers of the same subject a copy each", async () => {
    const { bind } = await stage.replica();
    const [save, audit] = [await bind("todo/save", durable("todo.new")), await bind("todo/audit", durable("todo.>"))];
    await stage.store("todo.new", "text");
    expect(textOf(await save.next())).toBe("text");
    expect(textOf(await audit.next())).toBe("text");
  });
});

describe("settling", () => {
  it("a retry comes again after its delay, with the next attempt", async () => {
    await stage.store("todo.new", "text");
    const owner = await (await stage.replica()).bind("todo/save", durable("todo.new"));
    const first = await owner.next();
    const startedAtMs = performance.now();
    expect(owner.settle(first, { do: "retry", delayMs: 150 })).toBe("will be retried in 150 ms");
    const second = await owner.next();
    expect(performance.now() - startedAtMs).toBeGreaterThan(140);
    expect(second).toMatchObject({ seq: 1, attempt: 2 });
    owner.settle(second, ACK);
  });

  it("what is given back comes again uncharged, on every replica, however often", async () => {
    await stage.store("todo.new", "text");
    const metadata = durable("todo.new", { retry: { attempts: 2, backoffMs: [10] } });
    for (let round = 0; round < 4; round++) {
      const { bind, binder } = await stage.replica();
      const owner = await bind("todo/save", metadata);
      const delivery = await owner.next();
      expect(delivery).toMatchObject({ seq: 1, attempt: 1 });
      await owner.binding!.unbind();
      owner.settle(delivery, { do: "give-back" });
      await binder.settled();
    }
    const owner = await (await stage.replica()).bind("todo/save", metadata);
    owner.settle(await owner.next(), { do: "retry", delayMs: 1 });
    expect(await owner.next()).toMatchObject({ attempt: 2 });
  });

  it("settles a delivery once: a second settlement is ignored", async () => {
    await stage.store("todo.new", "first", "second");
    const owner = await (await stage.replica()).bind("todo/save", durable("todo.new", { concurrency: 1 }));
    const words: string[] = [];
    stage.client.subscribe("$JS.ACK.>", { callback: (_error, message) => void words.push(message.string()) });
    await stage.client.flush();
    const acked = await listenFor("+ACK", 2);
    const first = await owner.next();
    owner.settle(first, ACK);
    expect(owner.settle(first, { do: "retry", delayMs: 1 })).toBeUndefined();
    owner.settle(await owner.next(), ACK);
    await acked.all;
    expect(words).toEqual(["+ACK", "+ACK"]);
  });

  it("keeps what is in hand from coming again, and stops when it is settled", async () => {
    let tick: () => void = () => undefined;
    const every: Clock["every"] = (_ms, callback) => {
      tick = callback;
      return { cancel: () => undefined };
    };
    const clock: Clock = { ...systemClock, every };
    await stage.store("todo.new", "slow", "quick");
    const owner = await (await stage.replica({ clock })).bind("todo/save", durable("todo.new"));
    const [slow, quick] = await owner.until(2);
    owner.settle(quick!, ACK);
    tick(); // What has just come needs no word yet.
    const working = await listenFor("+WPI");
    tick();
    const [subject] = await working.all;
    expect(subject).toMatch(/^\$JS\.ACK\.TODO\.app-todo-save-\w+\.1\.1\./);
    owner.settle(slow!, ACK);
  });
});

describe("messages that must not run any more", () => {
  it("one whose attempts are used up becomes a dead letter unrun", async () => {
    await stage.store("todo.new", "text");
    const metadata = durable("todo.new", { retry: { attempts: 2, backoffMs: [1] } });
    const owner = await (await stage.replica()).bind("todo/save", metadata);
    const first = await owner.next();
    owner.settle(first, { do: "retry", delayMs: 1 });
    const second = await owner.next();
    expect(second.attempt).toBe(2);
    const termed = await listenFor("+TERM");
    // The host died on it: the server delivers it a third time.
    owner.settle(second, { do: "retry", delayMs: 1 });
    await termed.all;
    expect(owner.deliveries).toHaveLength(2);
    const letter = await stage.jsm.streams.getMessage("DLQ_app", { seq: 1 });
    expect(letter!.header.get("Dead-Letter-Reason")).toBe("attempts-used");
    expect(letter!.header.get("Dead-Letter-Attempts")).toBe("2");
  });

  it("one older than the handler wants becomes a dead letter unrun", async () => {
    await stage.store("todo.new", "old");
    const clock = { ...systemClock, nowMs: () => Date.now() + 60_000 };
    const termed = await listenFor("+TERM");
    const owner = await (await stage.replica({ clock })).bind("todo/save", durable("todo.new", { expiresMs: 30_000 }));
    await termed.all;
    expect(owner.deliveries).toHaveLength(0);
    const letter = await stage.jsm.streams.getMessage("DLQ_app", { seq: 1 });
    expect(letter!.header.get("Dead-Letter-Reason")).toBe("expired");
    expect(letter!.header.get("Dead-Letter-Attempts")).toBe("0");
  });
});

describe("the consumer", () => {
  it("is made as the handler needs it", async () => {
    await (await stage.replica()).bind("todo/save", durable("todo.new"));
    const { config } = await info();
    expect(config).toMatchObject({
      durable_name: DURABLE,
      filter_subject: "todo.new",
      ack_policy: "explicit",
      deliver_policy: "all",
      ack_wait: 30e9,
      max_deliver: -1,
    });
    expect(config.inactive_threshold).toBeUndefined();
    expect(config.backoff).toBeUndefined();
  });

  it.each([
    ["a push consumer", { deliver_subject: "elsewhere" }, /push consumer/],
    ["one without explicit acks", { ack_policy: AckPolicy.None }, /ack policy "none"/],
    ["another app's", { description: "handler todo/save of app other" }, /belongs to app "other"/],
    ["another handler's", { description: "handler todo-save of app app" }, /belongs to handler "todo-save"/],
    ["set to another subject", { filter_subject: "todo.other" }, /takes "todo\.other", and is to take "todo\.new"/],
  ])("that exists and is %s is refused with what to do", async (_what, config, message) => {
    const made = { durable_name: DURABLE, filter_subject: "todo.new", ack_policy: AckPolicy.Explicit, ...config };
    await stage.jsm.consumers.add("TODO", made);
    const refused = await (await stage.replica()).bind("todo/save", durable("todo.new")).catch((error) => error);
    expect(refused).toMatchObject({ code: "CONSUMER_REFUSED", message: expect.stringMatching(message) });
    expect(refused.remedy).toContain(`nats consumer rm TODO ${DURABLE}`);
  });

  it("of a second handler on a work queue is refused with the reason", async () => {
    await stage.jsm.streams.add({ name: "JOBS", subjects: ["jobs.>"], retention: "workqueue" });
    const { bind } = await stage.replica();
    await bind("one", durable("jobs.new"));
    const refused: RuntimeError = await bind("two", durable("jobs.new")).catch((error) => error);
    expect(refused.code).toBe("CONSUMER_REFUSED");
    expect(refused.remedy).toMatch(/work queue lets one handler take each subject/);
  });

  it("that is deleted is made anew, and everything stored is delivered again", async () => {
    await stage.store("todo.new", "text");
    const { bind, events } = await stage.replica();
    const owner = await bind("todo/save", durable("todo.new"));
    const acked = await listenFor("+ACK");
    owner.settle(await owner.next(), ACK);
    await acked.all;
    const told = events.notice(/"app-todo-save-\w+".*removed.*Consumer Deleted.*made anew/i);
    await stage.removeConsumer("TODO", DURABLE);
    expect(textOf(await owner.next())).toBe("text");
    await told;
  });
});

describe("a lost connection", () => {
  it("is gone on from: what was handled meanwhile is acknowledged, and nothing is asked for twice", async () => {
    await stage.store("todo.new", "before");
    const { bind, connection } = await stage.replica();
    const owner = await bind("todo/save", durable("todo.new", { concurrency: 2 }));
    const before = await owner.next();
    const down = statusOf(connection, "disconnect");
    const back = statusOf(stage.client, "reconnect");
    await stage.server.kill();
    await down;
    owner.settle(before, ACK);
    await stage.server.restart();
    await back;
    for (let at = 0; at < 20; at++) await stage.client.request("todo.new", String(at), { timeout: 5_000 });
    while (owner.deliveries.length < 21) owner.settle(await owner.next(), ACK);
    expect(owner.most).toBeLessThanOrEqual(2);
    expect(owner.deliveries.map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, at) => at + 1));
    for (const delivery of owner.open) owner.settle(delivery, ACK);
  });
});

describe("unbinding", () => {
  // Within less than the ack wait (30 s): what the server could not hand over any more, it hands to the next who asks.
  it("strands nothing: what was on its way is handed over, and the rest is there for the next at once", async () => {
    const total = 3_000;
    for (let at = 0; at < total; at++) stage.client.publish("todo.new", String(at));
    await stage.client.flush();
    const seen = new Map<number, number>();
    for (let rounds = 0; seen.size < total; rounds++) {
      expect(rounds).toBeLessThan(200);
      const { bind, connection } = await stage.replica();
      const owner = await bind("todo/save", durable("todo.new", { concurrency: 50 }), ACK);
      await owner.until(Math.min(40, total - seen.size));
      await owner.binding!.unbind();
      while (owner.open.size > 0) await new Promise((resolve) => setImmediate(resolve));
      await connection.flush();
      for (const { seq, attempt } of owner.deliveries) {
        expect(seen.has(seq)).toBe(false);
        seen.set(seq, attempt);
      }
    }
    // The server counts an acknowledgement some milliseconds after it has taken it.
    await expect.poll(async () => (await info()).num_ack_pending, { timeout: 5_000 }).toBe(0);
    // Almost all: a message that met an inbox which was just given up counts as delivered.
    expect([...seen.values()].filter((attempt) => attempt > 1).length).toBeLessThan(total / 20);
  }, 25_000);

  it("waits for what has arrived and is still being looked up: it is handed over, or goes back", async () => {
    await stage.store("todo.new", "text");
    const { bind, binder, connection } = await stage.replica();
    const lookup = stalled(connection, "$JS.API.STREAM.INFO.GIVEN_BACK_app");
    const owner = await bind("todo/save", durable("todo.new"));
    owner.settle(await owner.next(), { do: "retry", delayMs: 1 });
    await lookup.began;
    let unbound = false;
    const unbinding = owner.binding!.unbind().then(() => {
      unbound = true;
    });
    // Another is bound and unbound meanwhile: that takes longer than it would.
    await (await bind("todo/audit", durable("todo.audit"))).binding!.unbind();
    expect([unbound, owner.deliveries.length]).toEqual([false, 1]);
    lookup.goOn();
    await unbinding;
    const again = await owner.next();
    expect(again).toMatchObject({ seq: 1, attempt: 2 });
    owner.settle(again, { do: "give-back" });
    await binder.settled();
    const other = await (await stage.replica()).bind("todo/save", durable("todo.new"), ACK);
    expect(await other.next()).toMatchObject({ seq: 1, attempt: 2 });
  });

  it("can be done twice, and takes no more", async () => {
    const { bind } = await stage.replica();
    const owner = await bind("todo/save", durable("todo.new"));
    await Promise.all([owner.binding!.unbind(), owner.binding!.unbind()]);
    await stage.store("todo.new", "stays");
    await expect.poll(() => info()).toMatchObject({ num_pending: 1, num_waiting: 0 });
    expect(owner.deliveries).toHaveLength(0);
  });
});

/** Holds requests to the subject up, as a server does whose peers are away. */
function stalled(connection: NatsConnection, subject: string): { readonly began: Promise<void>; goOn(): void } {
  const [began, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const request = connection.request.bind(connection);
  connection.request = async (asked, ...rest) => {
    if (asked === subject) {
      began.resolve();
      await released.promise;
    }
    return request(asked, ...rest);
  };
  return { began: began.promise, goOn: () => released.resolve() };
}

async function statusOf(connection: NatsConnection, wanted: string): Promise<void> {
  for await (const { type } of connection.status()) if (type === wanted) return;
}
