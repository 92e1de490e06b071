// Dead letters that cannot be stored at once: nobody listens where they go, or somebody else does, or the stream takes none.

import { connect } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import type { Settlement } from "../../runtime/message/settlement.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, type Replica, textOf, useStreamStage } from "../support/stream-stage.ts";

const DURABLE = durableNameOf("app", "todo/save", "todo.new");

const stage = useStreamStage();
beforeEach(async () => {
  await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
});

const THREW: Settlement = {
  do: "dead-letter",
  reason: "threw",
  text: "no card",
  stack: "Error: no card",
  version: "v7",
};
const OWN_REASON = { reason: "threw", message: "no card", version: "v7", attempts: 1 };
const once = (subject: string) => durable(subject, { retry: { attempts: 1, backoffMs: [10] } });

const letters = () => new DeadLetterBox(stage.client, "app").list();

/** A stream that refuses every letter, until `takeLetters`. */
async function refuseLetters(): Promise<void> {
  await stage.jsm.streams.add({ name: "DLQ_app", subjects: ["dlq.app.>"], max_msg_size: 10 });
}

async function takeLetters(): Promise<void> {
  await stage.jsm.streams.update("DLQ_app", { max_msg_size: -1 });
}

async function settled({ binder, connection }: Replica): Promise<void> {
  await binder.settled();
  await connection.flush();
}

async function refused({ events }: Replica): Promise<void> {
  for (let from = 0; ; from = events.events.length) {
    const { message } = await events.next("runtime.notice", from);
    if (/could not be kept: the server says/.test(message)) return;
  }
}

async function heard(subject: string): Promise<void> {
  await new Promise<void>((resolve) => stage.client.subscribe(subject, { max: 1, callback: () => resolve() }));
}

async function kept(count: number): Promise<Awaited<ReturnType<typeof letters>>> {
  for (let found = await letters(); ; found = await letters()) if (found.length >= count) return found;
}

describe("somebody who listens to all that we publish", () => {
  beforeEach(async () => {
    for (const subject of ["dlq.>", "given-back.>"]) stage.client.subscribe(subject, { callback: () => undefined });
    await stage.client.flush();
  });

  it("does not keep the first dead letters from being kept, of durable and event handlers", async () => {
    const replica = await stage.replica();
    const save = await replica.bind("todo/save", once("todo.new"));
    const watcher = await replica.bind("watcher", { ...durable("news.*"), kind: "event" });
    await stage.store("todo.new", "text");
    stage.client.publish("news.today", "text");
    expect(save.settle(await save.next(), THREW)).toBe("will be kept as a dead letter");
    watcher.settle(await watcher.next(), THREW);
    await replica.binder.settled();
    expect(await letters()).toHaveLength(2);
    expect(await letters()).toEqual(
      expect.arrayContaining([expect.objectContaining({ handler: "todo/save", ...OWN_REASON })]),
    );
    await expect.poll(() => stage.jsm.consumers.info("TODO", DURABLE)).toMatchObject({ num_ack_pending: 0 });
  });

  it("does not have what is given back charged", async () => {
    await stage.store("todo.new", "text");
    const first = await stage.replica();
    const owner = await first.bind("todo/save", once("todo.new"));
    const delivery = await owner.next();
    await owner.binding!.unbind();
    owner.settle(delivery, { do: "give-back" });
    await first.binder.settled();
    const again = await (await (await stage.replica()).bind("todo/save", once("todo.new"))).next();
    expect(again).toMatchObject({ seq: 1, attempt: 1 });
  });
});

describe("letters that their stream refuses", () => {
  it("are stored with their own reason when it takes them, and others are handled meanwhile", async () => {
    await refuseLetters();
    const replica = await stage.replica();
    const metadata = { ...once("todo.new"), concurrency: 2 };
    const owner = await replica.bind("todo/save", metadata);
    await stage.store("todo.new", "bad 1", "bad 2", "bad 3", "good");
    for (let at = 0; at < 3; at++) owner.settle(await owner.next(), THREW);
    await refused(replica);
    const good = await owner.next();
    expect(textOf(good)).toBe("good");
    owner.settle(good, ACK);
    await takeLetters();
    expect(await kept(3)).toMatchObject([OWN_REASON, OWN_REASON, OWN_REASON]);
    await replica.binder.settled();
    await expect
      .poll(() => stage.jsm.consumers.info("TODO", DURABLE))
      .toMatchObject({
        num_ack_pending: 0,
        num_pending: 0,
      });
    expect(owner.deliveries).toHaveLength(4);
  });

  it("of event handlers are tried again too", async () => {
    await refuseLetters();
    const replica = await stage.replica();
    const owner = await replica.bind("watcher", { ...durable("news.*"), kind: "event" });
    stage.client.publish("news.today", "text");
    owner.settle(await owner.next(), THREW);
    await refused(replica);
    await takeLetters();
    expect(await kept(1)).toMatchObject([{ handler: "watcher", ...OWN_REASON }]);
  });

  it.each(["ends", "dies"])(
    "have their own reason also when the replica %s and another one keeps them",
    async (how) => {
      await refuseLetters();
      const first = await stage.replica();
      const owner = await first.bind("todo/save", once("todo.new"));
      await stage.store("todo.new", "bad");
      const written = heard("given-back.>");
      owner.settle(await owner.next(), THREW);
      await written;
      await stage.client.flush();
      await owner.binding!.unbind();
      if (how === "ends") await settled(first);
      await first.connection.close();
      await takeLetters();
      const second = await stage.replica();
      const other = await second.bind("todo/save", once("todo.new"));
      // As if 30 seconds had gone by.
      if (how === "dies") await stage.jsm.consumers.update("TODO", DURABLE, { ack_wait: 500_000_000 });
      expect(await kept(1)).toMatchObject([OWN_REASON]);
      await second.binder.settled();
      expect(other.deliveries).toEqual([]);
      // Should an operator want it all again, it is run, also when it fails.
      await other.binding!.unbind();
      await stage.removeConsumer("TODO", DURABLE);
      const third = await (await stage.replica()).bind("todo/save", durable("todo.new"));
      third.settle(await third.next(), { do: "retry", delayMs: 1 });
      expect(await third.next()).toMatchObject({ seq: 1, attempt: 2 });
    },
  );
});

it("a letter waits for a server that is away", async () => {
  const replica = await stage.replica();
  const owner = await replica.bind("todo/save", once("todo.new"));
  await stage.store("todo.new", "bad");
  const delivery = await owner.next();
  await stage.server.kill();
  owner.settle(delivery, THREW);
  await stage.server.restart();
  const client = await connect({ servers: stage.server.url });
  const box = new DeadLetterBox(client, "app");
  while ((await box.list()).length === 0) await client.flush();
  expect(await box.list()).toMatchObject([OWN_REASON]);
  await client.close();
});
