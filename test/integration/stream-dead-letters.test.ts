import { connect, headers as createHeaders } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/bind/dead-letter-box.ts";
import { redrive } from "../../runtime/bind/redrive.ts";
import { systemClock } from "../../runtime/clock.ts";
import { decodeHeaders } from "../../runtime/deliver/header-block.ts";
import type { Settlement } from "../../runtime/deliver/settle.ts";
import { ACK, durable, type HeldOwner, type Replica, textOf, useStreamStage } from "../support/stream-stage.ts";

const stage = useStreamStage();
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
    expect(await stage.jsm.consumers.info("TODO", "app-todo-save")).toMatchObject({
      num_ack_pending: 0,
      num_pending: 0,
    });
  });

  it("is kept once, however often its original fails for the last time", async () => {
    const [one, two] = [await stage.replica(), await stage.replica()];
    await stage.store("todo.new", "text");
    const owner = await one.bind("todo/save", durable("todo.new"));
    const delivery = await owner.next();
    const letters = (await import("../../runtime/bind/dead-letters.ts")).DeadLetters;
    const { Notices } = await import("../../runtime/bind/notices.ts");
    const notices = new Notices(two.events.emit, systemClock);
    const other = new letters({ connection: two.connection, app: "app", notices });
    const same = { id: "dlq:TODO:1:app-todo-save", handler: "todo/save", version: undefined, reason: "threw" } as const;
    const rest = { message: "m", stack: undefined, subject: "todo.new", stream: "TODO", sequence: 1, attempts: 1 };
    const more = { firstFailedAtMs: undefined, lastFailedAtMs: 1, instance: "i", redriven: 0, headers: undefined };
    expect(await other.keep({ ...same, ...rest, ...more, data: delivery.data })).toBe(true);
    owner.settle(delivery, FAILED);
    await settled(one);
    expect(await box().list()).toHaveLength(1);
  });

  it("larger than the server takes says where its payload is", async () => {
    await stage.server.restart("max_payload: 16384");
    const large = "x".repeat(15_500);
    const replica = await stage.replica();
    const owner = await replica.bind("todo/save", durable("todo.new"));
    const client = await connect({ servers: stage.server.url });
    const headers = createHeaders();
    headers.set("X-Long", "y".repeat(600));
    await client.request("todo.new", large, { headers, timeout: 5_000 });
    const told = replica.events.next("runtime.notice");
    owner.settle(await owner.next(), FAILED);
    await settled(replica);
    expect((await told).message).toMatch(/too large.*stays in stream "TODO" \(1\)/);
    const shown = await new DeadLetterBox(client, "app").show(1);
    expect(shown).toMatchObject({ body: "in-stream", stack: FAILED.stack });
    expect(Buffer.from(shown!.data).toString()).toBe(large);
    await redrive([1], {
      connection: client,
      app: "app",
      box: new DeadLetterBox(client, "app"),
      clock: systemClock,
      rate: undefined,
    });
    const again = await owner.next();
    expect(textOf(again)).toBe(large);
    owner.settle(again, ACK);
    await client.close();
    await stage.server.restart("");
  });

  it("that cannot be kept leaves its original to come again", async () => {
    await stage.jsm.streams.add({ name: "DLQ_app", subjects: ["dlq.app.>"], max_msg_size: 10 });
    const replica = await stage.replica();
    const told = replica.events.next("runtime.notice");
    const owner = await replica.bind("todo/save", durable("todo.new"));
    await failOne(replica, owner);
    expect((await told).message).toMatch(/dead letter of handler "todo\/save" could not be kept: the server says/);
    expect(await stage.jsm.consumers.info("TODO", "app-todo-save")).toMatchObject({ num_ack_pending: 1 });
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
    expect((await stage.jsm.streams.info("REDRIVE_app")).state.messages).toBe(0);
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
    expect(owner.settle(await owner.next(), FAILED)).toBe("dead letter");
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
    expect((await stage.jsm.streams.info("REDRIVE_app")).state.messages).toBe(0);
  });

  it("of 10,000 letters, interrupted and run again, neither loses nor doubles any", async () => {
    const total = 10_000;
    await fillBox(total);
    const startedAtMs = performance.now();
    const all = await box().list();
    const listMs = performance.now() - startedAtMs;
    expect(all).toHaveLength(total);
    expect(listMs).toBeLessThan(5_000);
    const ids = all.map(({ id }) => id);
    const stop = new AbortController();
    const first = await redriveNow(ids, {
      signal: stop.signal,
      onProgress: (done: number) => done > 3_000 && stop.abort(),
    });
    expect(first.redriven).toBeLessThan(4_000);
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
