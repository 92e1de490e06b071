import { headers as createHeaders } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { decodeHeaders } from "../../runtime/message/header-block.ts";
import { letterIdOf, messageIdOf } from "../../runtime/message/message-id.ts";
import type { Settlement } from "../../runtime/message/settlement.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, type HeldOwner, type Replica, textOf, useStreamStage } from "../support/stream-stage.ts";
import { volume } from "../support/volume.ts";

const stage = useStreamStage();
const MANY = volume(10_000);
beforeEach(async () => {
  await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
});

const FAILED: Settlement & { readonly stack: string; readonly version: string } = {
  do: "dead-letter",
  reason: "threw",
  text: "naïve failure: 50 %\nof it",
  stack: "Error: naïve\n    at save (handlers/todo/save.ts:3:9)",
  version: "abc123",
};

function box(): DeadLetterBox {
  return new DeadLetterBox(stage.client, "app");
}

async function settled({ binder, connection }: Replica): Promise<void> {
  await binder.settled();
  await connection.flush();
}

/** Send a message with headers through a handler that fails it. */
async function failOne(replica: Replica, owner: HeldOwner, settlement: Settlement = FAILED): Promise<void> {
  const headers = createHeaders();
  headers.set("X-Colour", "red");
  headers.set("traceparent", "00-abc-def-01");
  headers.set("Nats-Msg-Id", crypto.randomUUID());
  await stage.client.request("todo.new", '{"id":1}', { headers, timeout: 5_000 });
  owner.settle(await owner.next(), settlement);
  await settled(replica);
}

function redriveNow(ids: readonly number[], changes = {}) {
  return redrive(ids, {
    connection: stage.client,
    app: "app",
    box: box(),
    clock: systemClock,
    copies: 1,
    rate: undefined,
    ...changes,
  });
}

describe("a dead letter", () => {
  it("keeps payload, headers and why, and its original does not come again", async () => {
    const replica = await stage.replica();
    const owner = await replica.bind("todo/save", durable("todo.*"));
    await failOne(replica, owner);
    const [summary, ...others] = await box().list();
    expect(others).toEqual([]);
    expect(summary).toMatchObject({
      id: 1,
      handler: "todo/save",
      reason: "threw",
      message: "naïve failure: 50 %\nof it",
      version: "abc123",
      subject: "todo.new",
      stream: "TODO",
      sequence: 1,
      attempts: 1,
      redriven: 0,
    });
    expect(summary!.lastFailedAtMs).toBeGreaterThan(Date.now() - 60_000);
    expect(summary!.firstFailedAtMs).toBe(summary!.lastFailedAtMs);
    const letter = await box().show(1);
    expect(letter).toMatchObject({ stack: FAILED.stack, body: "here", id: 1 });
    expect(Buffer.from(letter!.data).toString()).toBe('{"id":1}');
    expect(letter!.headers).toEqual([
      ["X-Colour", "red"],
      ["traceparent", "00-abc-def-01"],
    ]);
    await expect
      .poll(() => stage.jsm.consumers.info("TODO", durableNameOf("app", "todo/save", "todo.*")))
      .toMatchObject({
        num_ack_pending: 0,
        num_pending: 0,
      });
  });

  it("is kept once, however often its original fails for the last time", async () => {
    const [one, two] = [await stage.replica(), await stage.replica()];
    await stage.store("todo.new", "text");
    const owner = await one.bind("todo/save", durable("todo.new"));
    const delivery = await owner.next();
    const letters = (await import("../../runtime/dead-letters/dead-letters.ts")).DeadLetters;
    const { RateLimitedNotices } = await import("../../runtime/nats/rate-limited-notices.ts");
    const notices = new RateLimitedNotices(two.events.emit, systemClock);
    const other = new letters({ connection: two.connection, app: "app", clock: systemClock, notices, copies: 1 });
    const { storedAtMs } = delivery;
    const id = letterIdOf("app", "todo/save", messageIdOf("TODO:", 1, storedAtMs));
    const same = { id, handler: "todo/save", version: undefined, reason: "threw" } as const;
    const from = { subject: "todo.new", stream: "TODO", sequence: 1, storedAtMs };
    const rest = { message: "m", stack: undefined, ...from, attempts: 1 };
    const more = { firstFailedAtMs: undefined, lastFailedAtMs: 1, instance: "i", redriven: 0, headers: undefined };
    expect(await other.keep({ ...same, ...rest, ...more, data: delivery.data })).toBe(true);
    owner.settle(delivery, FAILED);
    await settled(one);
    expect(await box().list()).toHaveLength(1);
  });

  it("that cannot be kept leaves its original to come again", async () => {
    await stage.jsm.streams.add({ name: "DLQ_app", subjects: ["dlq.app.>"], max_msg_size: 10 });
    const replica = await stage.replica();
    const told = replica.events.notice(/dead letter of handler "todo\/save" could not be kept: the server says/);
    const owner = await replica.bind("todo/save", durable("todo.new"));
    await failOne(replica, owner);
    await told;
    await expect
      .poll(() => stage.jsm.consumers.info("TODO", durableNameOf("app", "todo/save", "todo.new")))
      .toMatchObject({
        num_ack_pending: 1,
      });
  });
});

describe("the box", () => {
  it("lists by handler, reason, time and number, newest first", async () => {
    const replica = await stage.replica();
    const save = await replica.bind("todo/save", durable("todo.new"));
    await failOne(replica, save);
    await failOne(replica, save, { do: "dead-letter", reason: "invalid", text: "no id" });
    // What is asked for begins with a millisecond in which nothing was kept yet.
    const sinceMs = Date.now() + 1;
    while (Date.now() < sinceMs) await stage.client.flush();
    const audit = await replica.bind("audit", durable("todo.>"));
    await audit.until(2);
    for (const delivery of audit.deliveries) audit.settle(delivery, FAILED);
    await settled(replica);
    const ids = async (query = {}) => (await box().list(query)).map(({ id }) => id);
    expect(await ids()).toEqual([4, 3, 2, 1]);
    expect(await ids({ handler: "todo/save" })).toEqual([2, 1]);
    expect(await ids({ handler: "todo/save", reason: "invalid" })).toEqual([2]);
    expect(await ids({ sinceMs })).toEqual([4, 3]);
    expect(await ids({ limit: 3 })).toEqual([4, 3, 2]);
    expect(await ids({ handler: "nobody" })).toEqual([]);
  });

  it("removes one, and purges a handler's or all", async () => {
    const replica = await stage.replica();
    const save = await replica.bind("todo/save", durable("todo.new"));
    const audit = await replica.bind("audit", durable("todo.>"));
    for (let at = 0; at < 2; at++) {
      await failOne(replica, save);
      audit.settle(await audit.next(), FAILED);
    }
    await settled(replica);
    const [newest] = await box().list({ handler: "todo/save" });
    expect(await box().remove(newest!.id)).toBe(true);
    expect(await box().remove(newest!.id)).toBe(false);
    expect(await box().show(newest!.id)).toBeUndefined();
    expect(await box().purge({ handler: "todo/save" })).toBe(1);
    expect(await box().purge()).toBe(2);
    expect(await box().list()).toEqual([]);
  });

  it("is empty where nothing ever failed", async () => {
    expect(await box().list()).toEqual([]);
    expect(await box().show(1)).toBeUndefined();
    expect(await box().remove(1)).toBe(false);
    expect(await box().purge()).toBe(0);
  });
});

describe("redriving", () => {
  it("sends a letter to the one handler that failed it, as it was, and removes it", async () => {
    const replica = await stage.replica();
    const save = await replica.bind("todo/save", durable("todo.*"));
    const audit = await replica.bind("audit", durable("todo.>"), ACK);
    await failOne(replica, save);
    expect(await redriveNow([1])).toEqual({ redriven: 1, missing: 0 });
    const again = await save.next();
    expect(again).toMatchObject({ subject: "todo.new", seq: 1, attempt: 1 });
    expect(textOf(again)).toBe('{"id":1}');
    expect(decodeHeaders(Buffer.from(again.headers!))).toEqual([
      ["X-Colour", "red"],
      ["traceparent", "00-abc-def-01"],
    ]);
    save.settle(again, ACK);
    await settled(replica);
    expect(await box().list()).toEqual([]);
    expect(audit.deliveries).toHaveLength(1);
    await expect.poll(async () => (await stage.jsm.streams.info("REDRIVE_app")).state.messages).toBe(0);
  });

  it("that fails again returns the letter with its count and all attempts", async () => {
    const replica = await stage.replica();
    const owner = await replica.bind("todo/save", durable("todo.*", { retry: { attempts: 2, backoffMs: [1] } }));
    await failOne(replica, owner);
    const [before] = await box().list();
    await redriveNow([1]);
    owner.settle(await owner.next(), { do: "retry", delayMs: 1 });
    const second = await owner.next();
    expect(second.attempt).toBe(2);
    owner.settle(second, FAILED);
    await settled(replica);
    const [letter] = await box().list();
    expect(letter).toMatchObject({ id: 2, redriven: 1, attempts: 3, stream: "TODO", sequence: 1, subject: "todo.new" });
    expect(letter!.firstFailedAtMs).toBe(before!.firstFailedAtMs);
    await redriveNow([2]);
    owner.settle(await owner.next(), FAILED);
    await settled(replica);
    expect(await box().list()).toMatchObject([{ id: 3, redriven: 2, attempts: 4 }]);
  });

  it("reaches a handler that was down when it happened", async () => {
    const replica = await stage.replica();
    const owner = await replica.bind("todo/save", durable("todo.*"));
    await failOne(replica, owner);
    await owner.binding!.unbind();
    await redriveNow([1]);
    const later = await (await stage.replica()).bind("todo/save", durable("todo.*"));
    expect(textOf(await later.next())).toBe('{"id":1}');
  });

  it("reaches an event handler too, whose failed messages are kept", async () => {
    const replica = await stage.replica();
    const owner = await replica.bind("watcher", { ...durable("news.*"), kind: "event" });
    const headers = createHeaders();
    headers.set("X-Colour", "red");
    stage.client.publish("news.today", "text", { headers });
    expect(owner.settle(await owner.next(), FAILED)).toBe("will be kept as a dead letter");
    await settled(replica);
    expect(await box().list()).toMatchObject([{ handler: "watcher", subject: "news.today", stream: undefined }]);
    await redriveNow([1]);
    const again = await owner.next();
    expect(again.subject).toBe("news.today");
    expect(textOf(again)).toBe("text");
    expect(again.seq).not.toBe(owner.deliveries[0]!.seq);
    owner.settle(again, FAILED);
    await settled(replica);
    expect(await box().list()).toMatchObject([{ id: 2, redriven: 1, attempts: 2, subject: "news.today" }]);
    await redriveNow([2]);
    owner.settle(await owner.next(), { do: "done" });
    await settled(replica);
    await expect.poll(async () => (await stage.jsm.streams.info("REDRIVE_app")).state.messages).toBe(0);
  });

  it(`of ${MANY} letters, interrupted and run again, neither loses nor doubles any`, async () => {
    const total = MANY;
    await fillBox(total);
    const all = await box().list();
    expect(all).toHaveLength(total);
    const ids = all.map(({ id }) => id);
    const stop = new AbortController();
    const first = await redriveNow(ids, {
      signal: stop.signal,
      onProgress: (done: number) => done > 0.3 * total && stop.abort(),
    });
    expect(first.redriven).toBeLessThan(total);
    // As if it had been killed after the redrive was stored and before the letter was removed.
    const kept = new DeadLetterBox(stage.client, "app");
    kept.remove = async () => {
      throw new Error("killed");
    };
    await redriveNow(ids, { box: kept }).catch(() => undefined);
    const owner = await (await stage.replica()).bind("todo/save", durable("todo.new", { concurrency: 64 }), ACK);
    const second = await redriveNow(ids);
    expect(first.redriven + second.redriven).toBe(total);
    await owner.until(total);
    expect(new Set(owner.deliveries.map(textOf)).size).toBe(total);
    expect(owner.deliveries).toHaveLength(total);
    expect(await box().list()).toEqual([]);
  });

  it("keeps to its rate", async () => {
    await fillBox(30);
    const startedAtMs = performance.now();
    await redriveNow(
      (await box().list()).map(({ id }) => id),
      { rate: 100 },
    );
    expect(performance.now() - startedAtMs).toBeGreaterThan(190);
  });
});

async function fillBox(count: number): Promise<void> {
  await stage.jsm.streams.add({ name: "DLQ_app", subjects: ["dlq.app.>"] });
  const headers = createHeaders();
  headers.set("Dead-Letter-Handler", "todo/save");
  headers.set("Dead-Letter-Reason", "threw");
  headers.set("Dead-Letter-Subject", "todo.new");
  for (let at = 0; at < count; at++) stage.client.publish("dlq.app.todo.save", String(at), { headers });
  await stage.client.request("dlq.app.last", "", { timeout: 10_000 });
  await stage.jsm.streams.purge("DLQ_app", { filter: "dlq.app.last" });
}
