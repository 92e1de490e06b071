// A server, or an account, that lets us have less than we would like.

import { AckPolicy } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, textOf, useStreamStage } from "../support/stream-stage.ts";

const DURABLE = durableNameOf("app", "save", "todo.new");

const LIMIT = 500;
/** Of messages in one pull. */
const BATCH = 8;
const stage = useStreamStage(`jetstream { limits { max_ack_pending: ${LIMIT}, max_request_batch: ${BATCH} } }`);

const inHandLimit = async (name: string) => (await stage.jsm.consumers.info("TODO", name)).config.max_ack_pending;

describe("a durable handler where fewer messages may be in hand than it would like", () => {
  it("takes the server's limit, says so, and serves", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const replica = await stage.replica();
    const owner = await replica.bind("save", durable("todo.new"), ACK);
    expect(await inHandLimit(DURABLE)).toBe(LIMIT);
    expect(replica.events.events).toContainEqual(
      expect.objectContaining({ level: "info", message: expect.stringContaining(`at most ${LIMIT} of its messages`) }),
    );
    await stage.store("todo.new", "1", "2");
    expect((await owner.until(2)).map(textOf)).toEqual(["1", "2"]);
  });

  it("takes the stream's limit where that is lower than the server's, and serves", async ({ skip }) => {
    if (/^2\.9\./.test(stage.client.info?.version ?? ""))
      skip("streams have no limits for their consumers before 2.10");
    const consumer_limits = { max_ack_pending: 100 };
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], consumer_limits });
    const owner = await (await stage.replica()).bind("save", durable("todo.new"), ACK);
    expect(await inHandLimit(DURABLE)).toBe(100);
    await stage.store("todo.new", "1", "2");
    expect((await owner.until(2)).map(textOf)).toEqual(["1", "2"]);
  });

  it("keeps what an administrator has set lower, at every start", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const first = await stage.replica();
    await (await first.bind("save", durable("todo.new"))).binding!.unbind();
    await stage.jsm.consumers.update("TODO", DURABLE, { max_ack_pending: 7 });
    await (await stage.replica()).bind("save", durable("todo.new"));
    expect(await inHandLimit(DURABLE)).toBe(7);
  });

  it("has as many in hand as it may where one pull brings fewer", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const texts = Array.from({ length: 5 * BATCH }, (_, at) => `${at}`);
    await stage.store("todo.new", ...texts);
    const owner = await (await stage.replica()).bind("save", durable("todo.new", { concurrency: 5 * BATCH }));
    expect((await owner.until(5 * BATCH)).map(textOf)).toEqual(texts);
    for (const delivery of owner.deliveries) owner.settle(delivery, ACK);
    await stage.store("todo.new", "last");
    expect(textOf((await owner.until(5 * BATCH + 1)).at(-1)!)).toBe("last");
  });

  it("changes what it must in a durable made by hand, and leaves its limit", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const config = { durable_name: DURABLE, ack_policy: AckPolicy.Explicit, filter_subject: "todo.new" };
    await stage.jsm.consumers.add("TODO", { ...config, max_ack_pending: 20 });
    await (await stage.replica()).bind("save", durable("todo.new"));
    const info = await stage.jsm.consumers.info("TODO", DURABLE);
    expect(info.config).toMatchObject({ max_ack_pending: 20, description: "handler save of app app", ack_wait: 30e9 });
  });
});
