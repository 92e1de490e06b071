// A nats-server that forgets acknowledgements, as one does that is killed before it has written them: its files are put back
// to what they were before.

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { ACK, durable, type HeldOwner, type Replica, textOf, useStreamStage } from "../support/stream-stage.ts";

const DURABLE = durableNameOf("app", "todo/save", "todo.new");

const stage = useStreamStage();
const TOTAL = 50;
let copy: string;
let replica: Replica;
let owner: HeldOwner;

/** All are stored, none is delivered: so it stands in the copy. Then all are handled. */
beforeEach(async () => {
  copy = await mkdtemp(join(tmpdir(), "nats-handlers-before-"));
  await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
  const first = await stage.replica();
  await (await first.bind("todo/save", durable("todo.new"))).binding!.unbind();
  await stage.store("todo.new", ...Array.from({ length: TOTAL }, (_, at) => String(at)));
  await killed(() => cp(stage.server.storeDir, copy, { recursive: true }));
  replica = await stage.replica();
  owner = await replica.bind("todo/save", durable("todo.new"), ACK);
  await owner.until(TOTAL);
  while ((await ackFloor()) < TOTAL) await stage.client.flush();
});
afterEach(() => rm(copy, { recursive: true, force: true }));

async function ackFloor(): Promise<number> {
  return (await stage.jsm.consumers.info("TODO", DURABLE)).ack_floor.stream_seq;
}

/** Resolves when the server runs again and the client is back. Meanwhile something is done to its files. */
async function killed(meanwhile: () => Promise<void>): Promise<void> {
  const back = (async () => {
    for await (const { type } of stage.client.status()) if (type === "reconnect") return;
  })();
  await stage.server.kill();
  await meanwhile();
  await stage.server.restart();
  await back;
}

function forgetAll(): Promise<void> {
  return killed(async () => {
    await rm(stage.server.storeDir, { recursive: true });
    await cp(copy, stage.server.storeDir, { recursive: true });
  });
}

it("does not have run again what this replica had handled", async () => {
  for (let times = 1; times <= 2; times++) {
    await forgetAll();
    while ((await ackFloor()) < TOTAL) await stage.client.flush();
  }
  await stage.store("todo.new", "last");
  await owner.until(TOTAL + 1);
  expect(owner.deliveries).toHaveLength(TOTAL + 1);
  expect(textOf(owner.deliveries.at(-1)!)).toBe("last");
});

it("has it run again where an operator has removed the consumer", async () => {
  await killed(async () => undefined);
  // A server that is killed may have forgotten acknowledgements of its own: that is told too.
  const made = replica.events.notice(/is made anew; everything still stored/);
  await stage.removeConsumer("TODO", DURABLE);
  await made;
  await owner.until(2 * TOTAL);
  expect(new Set(owner.deliveries.slice(TOTAL).map(textOf)).size).toBe(TOTAL);
});
