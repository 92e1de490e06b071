// What a stream's settings would take from a durable handler's promise.

import { AckPolicy, RetentionPolicy } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import type { RuntimeError } from "../../runtime/errors.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, textOf, useStreamStage } from "../support/stream-stage.ts";

const DURABLE = durableNameOf("app", "save", "todo.new");

const stage = useStreamStage();
const THRESHOLD_MS = 1_000;
const SOON = { timeout: 10_000, interval: 50 };

const isThere = (stream: string, name: string) =>
  stage.jsm.consumers.info(stream, name).then(
    () => true,
    () => false,
  );

/** A durable as an operator makes it, which the server removes when nobody takes from it. */
function addPassing(stream: string, name: string) {
  const config = { durable_name: name, ack_policy: AckPolicy.Explicit, filter_subject: "todo.new" };
  return stage.jsm.consumers.add(stream, { ...config, inactive_threshold: THRESHOLD_MS * 1e6 });
}

/** A time of the server's, so much later. */
function later(time: string, ms: number): string {
  return new Date(Date.parse(time) + ms).toISOString();
}

function refused(promise: Promise<unknown>): Promise<RuntimeError> {
  return promise.then(
    () => expect.fail("was not refused"),
    (error: RuntimeError) => error,
  );
}

describe("a durable that the server removes when nobody takes from it (inactive_threshold)", () => {
  it("is told of when its handler is bound", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    await addPassing("TODO", DURABLE);
    const replica = await stage.replica();
    await replica.bind("save", durable("todo.new"));
    expect(replica.events.events).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringMatching(new RegExp(`removes its durable "${DURABLE}".*1 s`)),
      }),
    );
  });

  it("is told of too where the stream sets that on all its consumers, and stays while its handler is off", async ({
    skip,
  }) => {
    if (/^2\.9\./.test(stage.client.info?.version ?? ""))
      skip("streams have no limits for their consumers before 2.10");
    const consumer_limits = { inactive_threshold: THRESHOLD_MS * 1e6 };
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], consumer_limits });
    const replica = await stage.replica();
    const owner = await replica.bind("save", durable("todo.new"), ACK);
    expect(replica.events.events).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(new RegExp(`removes its durable "${DURABLE}".*1 s`)) }),
    );
    await stage.store("todo.new", "1");
    await owner.until(1);
    await expect.poll(async () => (await stage.jsm.consumers.info("TODO", DURABLE)).num_ack_pending).toBe(0);
    await owner.binding!.unbind();
    const letGo = await replica.binder.hold("save", durable("todo.new"));
    // Longer than the server waits for, by its own clock.
    const { created } = await stage.jsm.consumers.info("TODO", DURABLE);
    await expect
      .poll(
        async () => ((await stage.jsm.consumers.info("TODO", DURABLE)).ts ?? "") > later(created, 3 * THRESHOLD_MS),
        SOON,
      )
      .toBe(true);
    expect(await isThere("TODO", DURABLE)).toBe(true);
    letGo();
    await stage.store("todo.new", "2");
    const again = await replica.bind("save", durable("todo.new"), ACK);
    await again.until(1);
    expect(again.deliveries.map(textOf)).toEqual(["2"]);
  });

  it("stays while its handler is off on a replica that runs, hands out nothing meanwhile, and has lost nothing", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], retention: RetentionPolicy.Interest });
    await addPassing("TODO", DURABLE);
    const { binder, bind } = await stage.replica();
    const release = await binder.hold("save", durable("todo.new"));
    await addPassing("TODO", "left");
    await stage.store("todo.new", "1", "2");
    await expect.poll(() => isThere("TODO", "left"), SOON).toBe(false);
    const { num_pending, delivered } = await stage.jsm.consumers.info("TODO", DURABLE);
    expect({ num_pending, delivered: delivered.consumer_seq }).toEqual({ num_pending: 2, delivered: 0 });
    release();
    const owner = await bind("save", durable("todo.new"), ACK);
    expect((await owner.until(2)).map((delivery) => [textOf(delivery), delivery.attempt])).toEqual([
      ["1", 1],
      ["2", 1],
    ]);
  });

  it("stays while its handler is bound and has no room", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    await addPassing("TODO", DURABLE);
    const { bind } = await stage.replica();
    const owner = await bind("save", durable("todo.new", { concurrency: 0 }));
    await addPassing("TODO", "left");
    await expect.poll(() => isThere("TODO", "left"), SOON).toBe(false);
    expect(await isThere("TODO", DURABLE)).toBe(true);
    expect(owner.deliveries).toEqual([]);
  });
});

describe("a stream that keeps only what a durable waits for (retention interest)", () => {
  it("keeps the messages of a handler that is off from the start", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], retention: RetentionPolicy.Interest });
    const { binder, bind } = await stage.replica();
    const release = await binder.hold("save", durable("todo.new"));
    await stage.store("todo.new", "1", "2");
    release();
    const owner = await bind("save", durable("todo.new"), ACK);
    expect((await owner.until(2)).map(textOf)).toEqual(["1", "2"]);
  });
});

describe("the subject of a bound handler that another stream takes now", () => {
  it("is bound there when the old stream is gone", async () => {
    await stage.jsm.streams.add({ name: "OLD", subjects: ["todo.>"] });
    const { bind, moved, events } = await stage.replica();
    await bind("save", durable("todo.new"));
    await stage.jsm.streams.delete("OLD");
    await stage.jsm.streams.add({ name: "NEW", subjects: ["todo.>"] });
    await expect.poll(() => moved, SOON).toEqual(["save"]);
    expect(events.events).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/"NEW" takes "todo.new".*no longer "OLD"/) }),
    );
  });

  it("is bound there when it gave the subject up, after what it still has for the handler", async () => {
    await stage.jsm.streams.add({ name: "OLD", subjects: ["todo.>"] });
    const { bind, moved } = await stage.replica();
    const owner = await bind("save", durable("todo.new"));
    await stage.store("todo.new", "1");
    const delivery = await owner.next();
    await stage.jsm.streams.update("OLD", { subjects: ["other"] });
    await stage.jsm.streams.add({ name: "NEW", subjects: ["todo.>"] });
    await owner.binding!.lookAgain!();
    expect(moved).toEqual([]);
    owner.settle(delivery, ACK);
    await expect.poll(() => moved, SOON).toEqual(["save"]);
    expect(owner.binding!.hasMoved).toBe(true);
  });
});

/** Whether the server is 2.10 or newer: before, the client refuses to ask for a transform. */
function transforms(): boolean {
  const [major = 0, minor = 0] = stage.client.info!.version.split(".").map(Number);
  return major > 2 || minor >= 10;
}

describe("a stream that is not found by the subjects it stores", () => {
  it("that changes subjects is refused to a handler on what arrives, with the subject as stored", async ({ skip }) => {
    const subject_transform = { src: "in.>", dest: "stored.>" };
    skip(!transforms(), "subject_transform needs nats-server 2.10");
    await stage.jsm.streams.add({ name: "T", subjects: ["in.>"], subject_transform });
    const { bind } = await stage.replica();
    const error = await refused(bind("save", durable("in.x")));
    expect(error).toMatchObject({
      code: "STREAM_REFUSED",
      message: expect.stringContaining('stores "in.>" as "stored.>"'),
    });
    expect(error.remedy).toContain('stream: "T"');
  });

  it("that changes subjects is bound by its name, on the subject as stored; without the name the refusal tells it", async ({
    skip,
  }) => {
    const subject_transform = { src: "in.>", dest: "stored.>" };
    skip(!transforms(), "subject_transform needs nats-server 2.10");
    await stage.jsm.streams.add({ name: "T", subjects: ["in.>"], subject_transform });
    const { bind } = await stage.replica({ provision: true });
    const error = await refused(bind("save", durable("stored.x")));
    expect(error).toMatchObject({ code: "STREAM_MISSING", remedy: expect.stringContaining('stream: "T"') });
    const owner = await bind("save", durable("stored.x", { stream: "T" }), ACK);
    await stage.store("in.x", "1");
    const [delivery] = await owner.until(1);
    expect([textOf(delivery!), delivery!.subject]).toEqual(["1", "stored.x"]);
  });

  it("that copies others is bound by its name", async () => {
    await stage.jsm.streams.add({ name: "SOURCE", subjects: ["todo.>"] });
    await stage.jsm.streams.add({ name: "ALL", sources: [{ name: "SOURCE" }] });
    const { bind } = await stage.replica();
    const owner = await bind("save", durable("todo.new", { stream: "ALL" }), ACK);
    await stage.store("todo.new", "1");
    expect((await owner.until(1)).map(textOf)).toEqual(["1"]);
    expect(owner.binding!.idPrefixes).toEqual(["ALL:"]);
  });

  it("is refused by name where it is not there, or never stores the subject", async () => {
    await stage.jsm.streams.add({ name: "T", subjects: ["todo.>"] });
    const { bind } = await stage.replica();
    expect(await refused(bind("save", durable("todo.x", { stream: "NONE" })))).toMatchObject({
      code: "STREAM_MISSING",
      message: expect.stringContaining('"NONE"'),
    });
    expect(await refused(bind("save", durable("other.x", { stream: "T" })))).toMatchObject({
      code: "STREAM_REFUSED",
      message: expect.stringContaining('stores "todo.>"'),
    });
  });
});
