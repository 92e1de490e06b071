// Handlers whose names look the same where a name may hold neither dots nor slashes: each has what is its own.

import { headers as createHeaders, type MsgHdrs } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import type { Settlement } from "../../runtime/message/settlement.ts";
import { earlierRedriveDurableName, redriveDurableName } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, type Replica, textOf, useStreamStage } from "../support/stream-stage.ts";

const stage = useStreamStage();
beforeEach(async () => {
  await stage.jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const ALIKE = ["a/b", "a.b", "a-b"];
const FAILED: Settlement = { do: "dead-letter", reason: "threw", text: "no" };
const box = () => new DeadLetterBox(stage.client, "app");

async function redriveAll(handler: string): Promise<void> {
  const ids = (await box().list({ handler })).map(({ id }) => id);
  await redrive(ids, {
    connection: stage.client,
    app: "app",
    box: box(),
    clock: systemClock,
    copies: 1,
    rate: undefined,
  });
}

/** One for each handler; what comes first fails, what comes again does not. */
async function bindAll(replica: Replica, kind: "durable" | "event") {
  const subject = kind === "durable" ? "t.x" : "news.x";
  const owners = await Promise.all(ALIKE.map((name) => replica.bind(name, durable(subject, { kind }))));
  if (kind === "durable") await stage.store(subject, "text");
  else stage.client.publish(subject, "text");
  for (const owner of owners) owner.settle(await owner.next(), FAILED);
  await expect.poll(async () => (await box().list()).length).toBe(ALIKE.length);
  return owners;
}

describe.each(["durable", "event"] as const)("%s handlers a/b, a.b and a-b", (kind) => {
  it("each get every message, have letters of their own, and get their own again", async () => {
    const replica = await stage.replica();
    const owners = await bindAll(replica, kind);
    for (const name of ALIKE) expect(await box().list({ handler: name })).toMatchObject([{ handler: name }]);
    for (const [at, name] of ALIKE.entries()) {
      await redriveAll(name);
      const owner = owners[at]!;
      owner.settle(await owner.next(), ACK);
      expect(owners.map(({ deliveries }) => deliveries.length)).toEqual(ALIKE.map((_, other) => (other <= at ? 2 : 1)));
    }
    expect(await box().list()).toEqual([]);
    const { state } = await stage.jsm.streams.info("REDRIVE_app");
    await expect.poll(async () => (await stage.jsm.streams.info("REDRIVE_app")).state.messages).toBe(0);
    expect(state.consumer_count).toBe(ALIKE.length);
  });

  it("have letters that are purged one by one", async () => {
    await bindAll(await stage.replica(), kind);
    for (const [at, name] of ALIKE.entries()) {
      expect(await box().purge({ handler: name })).toBe(1);
      expect((await box().list()).map(({ handler }) => handler).sort()).toEqual(ALIKE.slice(at + 1).sort());
    }
  });
});

describe("what was kept before names were one to one", () => {
  const letterOf = (handler: string): MsgHdrs => {
    const headers = createHeaders();
    headers.set("Dead-Letter-Handler", handler);
    headers.set("Dead-Letter-Reason", "threw");
    headers.set("Dead-Letter-Subject", "t.x");
    return headers;
  };

  it("letters of a.b and a/b that lie under one subject are told apart, listed, redriven and purged", async () => {
    await stage.jsm.streams.add({ name: "DLQ_app", subjects: ["dlq.app.>"] });
    for (const name of ["a.b", "a/b", "a.b", "a.b"]) {
      await stage.client.request("dlq.app.a.b", name, { timeout: 2_000, headers: letterOf(name) });
    }
    expect((await box().list({ handler: "a.b" })).map(({ id }) => id)).toEqual([4, 3, 1]);
    expect((await box().list({ handler: "a.b", limit: 1 })).map(({ id }) => id)).toEqual([4]);
    expect((await box().list({ handler: "a/b" })).map(({ id }) => id)).toEqual([2]);
    const owner = await (await stage.replica()).bind("a.b", durable("t.x"), ACK);
    await redriveAll("a.b");
    await owner.until(3);
    expect(owner.deliveries.map(textOf)).toEqual(["a.b", "a.b", "a.b"]);
    expect(await box().purge({ handler: "a.b" })).toBe(0);
    expect(await box().purge({ handler: "a/b" })).toBe(1);
  });

  it("a durable for redrives is taken over with what waits in it, and no other is made", async () => {
    const earlier = earlierRedriveDurableName("app", "todo/save");
    await stage.jsm.streams.add({ name: "REDRIVE_app", subjects: ["redrive.app.>"], retention: "workqueue" });
    await stage.jsm.consumers.add("REDRIVE_app", {
      ...{ durable_name: earlier, description: "handler todo/save of app app", ack_policy: "explicit" },
      ...{ filter_subject: "redrive.app.todo.save", ack_wait: 30e9, max_deliver: -1, max_ack_pending: 65_536 },
    });
    await stage.client.request("redrive.app.todo.save", "again", { timeout: 2_000, headers: letterOf("todo/save") });
    const owner = await (await stage.replica()).bind("todo/save", durable("t.x"), ACK);
    await owner.until(1);
    expect(owner.deliveries.map(textOf)).toEqual(["again"]);
    const names: string[] = [];
    for await (const { name } of stage.jsm.consumers.list("REDRIVE_app")) names.push(name);
    expect(names).toEqual([earlier]);
    expect(names).not.toContain(redriveDurableName("app", "todo/save", "redrive.app.todo.save"));
  });
});

it("a letter of a subject that its handler does not take any more is a letter again, unrun, with the reason", async () => {
  const replica = await stage.replica();
  const before = await replica.bind("h", durable("t.a"));
  await stage.store("t.a", "old");
  before.settle(await before.next(), FAILED);
  await expect.poll(async () => (await box().list()).length).toBe(1);
  await before.binding!.unbind();
  const after = await replica.bind("h", durable("t.b"), ACK);
  await redriveAll("h");
  await expect
    .poll(() => box().list())
    .toMatchObject([{ reason: "unclaimed", subject: "t.a", attempts: 1, redriven: 1 }]);
  const [letter] = await box().list();
  expect(letter!.message).toBe('"t.a" is not a subject of handler "h", which takes "t.b"');
  expect(after.deliveries).toEqual([]);
});
