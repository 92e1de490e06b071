// Dead letters of messages that fill what the server takes: there is no room for the reason beside the payload.

import { RetentionPolicy } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { decodeHeaders } from "../../runtime/message/header-block.ts";
import type { Settlement } from "../../runtime/message/settlement.ts";
import { ACK, durable, textOf, useStreamStage } from "../support/stream-stage.ts";

const stage = useStreamStage();
const MAX_PAYLOAD = 16_384;
beforeAll(() => stage.server.restart(`max_payload: ${MAX_PAYLOAD}`));
afterAll(() => stage.server.restart(""));

const THREW: Settlement = { do: "dead-letter", reason: "threw", text: "no card", stack: "Error: no card" };
const box = () => new DeadLetterBox(stage.client, "app");

async function redriveNow(id: number): Promise<void> {
  await redrive([id], {
    connection: stage.client,
    app: "app",
    box: box(),
    clock: systemClock,
    copies: 1,
    rate: undefined,
  });
}

describe.each([RetentionPolicy.Limits, RetentionPolicy.Workqueue, RetentionPolicy.Interest])(
  "a message that fills the server's limit, of a stream with retention %s",
  (retention) => {
    it.each([0, 1, 200, 1_000])("is kept whole with %d bytes to spare, and can be redriven", async (spare) => {
      await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], retention });
      const replica = await stage.replica();
      const owner = await replica.bind("todo/save", durable("todo.new"));
      const large = "x".repeat(MAX_PAYLOAD - spare);
      await stage.client.request("todo.new", large, { timeout: 5_000 });
      owner.settle(await owner.next(), THREW);
      await replica.binder.settled();
      const [letter, ...others] = await box().list();
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ reason: "threw", message: "no card" });
      const shown = await box().show(letter!.id);
      expect(shown).toMatchObject({ stack: "Error: no card", gone: false });
      expect(Buffer.from(shown!.data).toString()).toBe(large);
      await redriveNow(letter!.id);
      const again = await owner.next();
      expect(textOf(again)).toBe(large);
      owner.settle(again, THREW);
      await replica.binder.settled();
      const [second] = await box().list();
      expect(second).toMatchObject({ redriven: 1, attempts: 2 });
      await redriveNow(second!.id);
      const last = await owner.next();
      expect(textOf(last)).toBe(large);
      owner.settle(last, ACK);
      await replica.binder.settled();
      expect(await box().list()).toEqual([]);
    });
  },
);

it("headers that leave no room are kept too", async () => {
  await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], retention: RetentionPolicy.Workqueue });
  const replica = await stage.replica();
  const owner = await replica.bind("todo/save", durable("todo.new"));
  const headers = createHeaders();
  headers.set("X-Long", "y".repeat(MAX_PAYLOAD - 1_000));
  await stage.client.request("todo.new", "text", { headers, timeout: 5_000 });
  owner.settle(await owner.next(), THREW);
  await replica.binder.settled();
  const [letter] = await box().list();
  const shown = await box().show(letter!.id);
  expect(shown!.headers).toEqual([["X-Long", headers.get("X-Long")]]);
  expect(Buffer.from(shown!.data).toString()).toBe("text");
  await redriveNow(letter!.id);
  const again = await owner.next();
  expect(decodeHeaders(Buffer.from(again.headers!))).toEqual([["X-Long", headers.get("X-Long")]]);
  owner.settle(again, ACK);
});

it("of an event handler it is kept as well, and removed or purged with its parts", async () => {
  const replica = await stage.replica();
  const owner = await replica.bind("watcher", { ...durable("news.*"), kind: "event" });
  const large = "x".repeat(MAX_PAYLOAD);
  for (let at = 0; at < 3; at++) {
    stage.client.publish("news.today", large);
    owner.settle(await owner.next(), THREW);
    await replica.binder.settled();
  }
  const [newest] = await box().list();
  expect(Buffer.from((await box().show(newest!.id))!.data).toString()).toBe(large);
  expect(await box().remove(newest!.id)).toBe(true);
  const left = async () => (await stage.jsm.streams.info("DLQ_app")).state.messages;
  expect(await left()).toBe(4);
  expect(await box().purge({ handler: "watcher" })).toBe(2);
  expect(await left()).toBe(0);
});
