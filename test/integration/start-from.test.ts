// `from`: where a handler begins that meets its stream for the first time, and that it goes on from its own place after that.

import { beforeEach, describe, expect, it } from "vitest";
import type { StartFrom } from "../../runtime/metadata/handler-metadata.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, type HeldOwner, type Replica, textOf, useStreamStage } from "../support/stream-stage.ts";

const stage = useStreamStage();
beforeEach(async () => {
  await stage.jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const NAME = durableNameOf("app", "h", "t.a");
const NEW: StartFrom = { kind: "new" };
const texts = (owner: HeldOwner) => owner.deliveries.map(textOf);
const bound = async (replica: Replica, from: StartFrom) => replica.bind("h", durable("t.a", { from }), ACK);

function notices({ events }: Replica): string[] {
  return events.events.flatMap((event) => (event.type === "runtime.notice" ? [event.message] : []));
}

async function untilSettled(): Promise<void> {
  await expect.poll(async () => (await stage.jsm.consumers.info("T", NAME)).num_pending).toBe(0);
  await expect.poll(async () => (await stage.jsm.consumers.info("T", NAME)).num_ack_pending).toBe(0);
}

describe("a handler that begins with what is new", () => {
  it("leaves what is older alone, says so, and has what comes while it is away", async () => {
    await stage.store("t.a", "old1", "old2");
    const replica = await stage.replica();
    const first = await bound(replica, NEW);
    expect(notices(replica)).toEqual([
      'handler "h" meets "t.a" of stream "T" for the first time, and begins with what is stored now (`from`): what is older is not for it',
    ]);
    await stage.store("t.a", "1", "2");
    await first.until(2);
    await untilSettled();
    await first.binding!.unbind();
    await stage.store("t.a", "3");
    const again = await stage.replica();
    const second = await bound(again, NEW);
    await second.until(1);
    expect([texts(first), texts(second), notices(again)]).toEqual([["1", "2"], ["3"], []]);
  });

  it("passes over nothing when its consumer is lost and made anew", async () => {
    await stage.store("t.a", "old");
    const replica = await stage.replica();
    const owner = await bound(replica, NEW);
    await stage.store("t.a", "1");
    await owner.until(1);
    await untilSettled();
    await stage.removeConsumer("T", NAME);
    await stage.store("t.a", "2");
    await expect.poll(() => texts(owner)).toContain("2");
    expect(new Set(texts(owner))).toEqual(new Set(["1", "2"]));
  });
});

describe("a handler that begins at a time", () => {
  it("has what was stored then or later", async () => {
    await stage.store("t.a", "old");
    await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(await storedAt(1)) + 2);
    const atMs = Date.now();
    await stage.store("t.a", "1", "2");
    const owner = await bound(await stage.replica(), { kind: "time", atMs });
    await owner.until(2);
    await untilSettled();
    expect(texts(owner)).toEqual(["1", "2"]);
  });

  it("goes on where it is when another time is said later", async () => {
    await stage.store("t.a", "1", "2");
    const first = await bound(await stage.replica(), { kind: "all" });
    await first.until(2);
    await untilSettled();
    await first.binding!.unbind();
    const second = await bound(await stage.replica(), { kind: "time", atMs: 0 });
    await stage.store("t.a", "3");
    await second.until(1);
    expect(texts(second)).toEqual(["3"]);
  });
});

async function storedAt(seq: number): Promise<string> {
  const message = await stage.jsm.streams.getMessage("T", { seq });
  return message!.time.toISOString();
}
