// A handler whose subject changes: nothing that waits is skipped, and no version runs what it was not written for.

import { beforeEach, describe, expect, it } from "vitest";
import type { RuntimeError } from "../../runtime/errors.ts";
import { durableNameOf, earlierDurableName } from "../../runtime/streams/durable-name.ts";
import { OwnStreamReader } from "../../runtime/streams/own-stream-reader.ts";
import { ACK, durable, type HeldOwner, type Replica, textOf, useStreamStage } from "../support/stream-stage.ts";

const stage = useStreamStage();
beforeEach(async () => {
  await stage.jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const nameOf = (subject: string) => durableNameOf("app", "h", subject);
const EARLIER = earlierDurableName("app", "h");
const texts = (owner: HeldOwner) => owner.deliveries.map(textOf);
const numbered = (of: string, count: number) => Array.from({ length: count }, (_, at) => `${of}${at}`);

async function waitingIn(name: string): Promise<number> {
  const { num_pending, num_ack_pending } = await stage.jsm.consumers.info("T", name);
  return num_pending + num_ack_pending;
}

/** Everything published to the durable's subject so far has been settled. */
async function untilSettled(name: string): Promise<void> {
  await expect.poll(() => waitingIn(name)).toBe(0);
}

async function durables(): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for await (const { name, config } of stage.jsm.consumers.list("T")) found[name] = config.filter_subject;
  return found;
}

function notices({ events }: Replica): string[] {
  return events.events.flatMap((event) => (event.type === "runtime.notice" ? [event.message] : []));
}

/** A durable as versions before this one made it. */
async function makeEarlier(subject: string, description = "handler h of app app"): Promise<void> {
  await stage.jsm.consumers.add("T", {
    ...{ durable_name: EARLIER, description, filter_subject: subject, ack_policy: "explicit", deliver_policy: "all" },
    ...{ ack_wait: 30e9, max_deliver: -1, max_ack_pending: 65_536 },
  });
}

describe("a version with another subject", () => {
  it("takes from a durable of its own, and when the old one is rolled back, that handles all that came meanwhile", async () => {
    const first = await (await stage.replica()).bind("h", durable("t.placed"), ACK);
    await stage.store("t.placed", "0", "1", "2");
    await first.until(3);
    await untilSettled(nameOf("t.placed"));
    await first.binding!.unbind();

    const mistyped = await (await stage.replica()).bind("h", durable("t.placd"), ACK);
    await stage.store("t.placed", "3", "4", "5", "6");
    await stage.store("t.placd", "other");
    await mistyped.until(1);
    expect(texts(mistyped)).toEqual(["other"]);
    await mistyped.binding!.unbind();

    const back = await (await stage.replica()).bind("h", durable("t.placed"), ACK);
    await stage.store("t.placed", "7", "8", "9");
    await back.until(7);
    expect([...texts(first), ...texts(back)]).toEqual(numbered("", 10));
    expect(await durables()).toEqual({ [nameOf("t.placed")]: "t.placed", [nameOf("t.placd")]: "t.placd" });

    const again = await (await stage.replica()).bind("h", durable("t.placd"), ACK);
    await stage.store("t.placd", "later");
    await again.until(1);
    expect(texts(again)).toEqual(["later"]);
  });

  it("runs beside the old one: each takes its own subject, and nothing is missing", async () => {
    const old = await (await stage.replica()).bind("h", durable("t.a"), ACK);
    const fresh = await (await stage.replica()).bind("h", durable("t.b"), ACK);
    for (let at = 0; at < 20; at++) {
      await stage.store("t.a", `A${at}`);
      await stage.store("t.b", `B${at}`);
    }
    await Promise.all([old.until(20), fresh.until(20)]);
    expect(texts(old)).toEqual(numbered("A", 20));
    expect(texts(fresh)).toEqual(numbered("B", 20));
    expect(new Set(old.deliveries.map(({ subject }) => subject))).toEqual(new Set(["t.a"]));
  });

  it("starts with all that is stored of its subject, and what is left of the old one is told with its number", async () => {
    await stage.store("t.a", ...numbered("A", 10));
    await stage.store("t.b", ...numbered("B", 10));
    const replica = await stage.replica();
    const old = await replica.bind("h", durable("t.a", { concurrency: 2 }));
    const [one, two] = await old.until(2);
    const fresh = await replica.bind("h", durable("t.b"), ACK);
    await old.binding!.unbind();
    for (const delivery of [one!, two!]) old.settle(delivery, ACK);
    await fresh.until(10);
    expect(texts(fresh)).toEqual(numbered("B", 10));
    await expect
      .poll(() => notices(replica))
      .toEqual([
        expect.stringMatching(
          /^8 messages of "t\.a" left in durable "app-h-\w+" of stream "T": handler "h" takes "t\.b" now/,
        ),
      ]);
    await expect.poll(async () => (await stage.jsm.consumers.info("T", nameOf("t.a"))).num_ack_pending).toBe(0);
    expect(await waitingIn(nameOf("t.a"))).toBe(8);
  });

  it("that comes up after the old one has ended tells what is left, too", async () => {
    await stage.store("t.a", ...numbered("A", 3));
    const replica = await stage.replica();
    await replica.bind("h", durable("t.a", { concurrency: 0 })).then((owner) => owner.binding!.unbind());
    await replica.bind("h", durable("t.b"), ACK);
    await expect.poll(() => notices(replica)).toEqual([expect.stringMatching(/^3 messages of "t\.a" left in /)]);
  });

  it("of another kind leaves what waits to be told of, too", async () => {
    await stage.store("t.a", "A0");
    const replica = await stage.replica();
    const old = await replica.bind("h", durable("t.a", { concurrency: 0 }));
    await replica.bind("h", durable("t.a", { kind: "event" }));
    await old.binding!.unbind();
    await expect
      .poll(() => notices(replica))
      .toEqual([expect.stringMatching(/^1 message of "t\.a" left in .* takes "t\.a" as event handler now/)]);
  });

  it("whose handler is removed, or renamed, has what waits told of once it is unbound", async () => {
    await stage.store("t.a", "A0", "A1");
    const replica = await stage.replica();
    const old = await replica.bind("h", durable("t.a", { concurrency: 0 }));
    await old.binding!.unbind();
    replica.binder.removed("h");
    await expect
      .poll(() => notices(replica))
      .toEqual([expect.stringMatching(/^2 messages of "t\.a" left in durable "app-h-\w+".* handler "h" is gone/)]);
  });

  it("of the same subject is told of nothing", async () => {
    await stage.store("t.a", "A0");
    const replica = await stage.replica();
    const old = await replica.bind("h", durable("t.a", { concurrency: 0 }));
    const fresh = await replica.bind("h", durable("t.a", { maxQueued: 5 }), ACK);
    await old.binding!.unbind();
    await fresh.until(1);
    await untilSettled(nameOf("t.a"));
    expect(notices(replica)).toEqual([]);
  });
});

describe("a durable of before its name had a mark of the subject", () => {
  it("is taken over with what waits in it, and no other is made", async () => {
    await stage.store("t.a", ...numbered("A", 300));
    await makeEarlier("t.a");
    const owner = await (await stage.replica()).bind("h", durable("t.a", { concurrency: 64 }), ACK);
    await owner.until(300);
    await untilSettled(EARLIER);
    expect(texts(owner).sort()).toEqual(numbered("A", 300).sort());
    await owner.binding!.unbind();
    const again = await (await stage.replica()).bind("h", durable("t.a"), ACK);
    await stage.store("t.a", "later");
    await again.until(1);
    expect(texts(again)).toEqual(["later"]);
    expect(await durables()).toEqual({ [EARLIER]: "t.a" });
  });

  it("of another subject stays as it is, for versions that take it", async () => {
    await stage.store("t.a", "A0");
    await makeEarlier("t.a");
    const fresh = await (await stage.replica()).bind("h", durable("t.b"), ACK);
    await stage.store("t.b", "B0");
    await fresh.until(1);
    expect(await durables()).toEqual({ [EARLIER]: "t.a", [nameOf("t.b")]: "t.b" });
    expect(await waitingIn(EARLIER)).toBe(1);
    await fresh.binding!.unbind();
    const back = await (await stage.replica()).bind("h", durable("t.a"), ACK);
    await back.until(1);
    expect(texts(back)).toEqual(["A0"]);
  });

  it("of another handler that was called the same inside JetStream is left alone", async () => {
    await stage.store("t.a", "A0");
    await makeEarlier("t.a", "handler h2 of app app");
    const owner = await (await stage.replica()).bind("h", durable("t.a"), ACK);
    await owner.until(1);
    expect(await waitingIn(EARLIER)).toBe(1);
  });
});

describe("a subject that overlaps the old one", () => {
  it.each([
    ["narrower", "t.*", "t.b", ["B5"]],
    ["wider", "t.b", "t.*", ["A0", "A1", "A2", "A3", "A4", "A5", "B5"]],
  ])("%s: what was settled before does not run again, and nothing else is skipped", async (_, before, after, left) => {
    const replica = await stage.replica();
    for (const n of numbered("", 5)) {
      await stage.store("t.a", `A${n}`);
      await stage.store("t.b", `B${n}`);
    }
    const old = await replica.bind("h", durable(before), ACK);
    await old.until(before === "t.*" ? 10 : 5);
    await untilSettled(nameOf(before));
    await old.binding!.unbind();
    await stage.store("t.a", "A5");
    await stage.store("t.b", "B5");
    const fresh = await replica.bind("h", durable(after), ACK);
    await fresh.until(left.length);
    await untilSettled(nameOf(after));
    expect(texts(fresh).sort()).toEqual(left);
  });

  it("and is rolled back: what the newer version settled does not run again", async () => {
    await stage.store("t.b", "B0");
    const old = await (await stage.replica()).bind("h", durable("t.b"), ACK);
    await old.until(1);
    await untilSettled(nameOf("t.b"));
    await old.binding!.unbind();
    const wider = await (await stage.replica()).bind("h", durable("t.*"), ACK);
    await stage.store("t.b", "B1");
    await wider.until(1);
    await untilSettled(nameOf("t.*"));
    await wider.binding!.unbind();
    const back = await (await stage.replica()).bind("h", durable("t.b"), ACK);
    await stage.store("t.b", "B2");
    await back.until(1);
    await untilSettled(nameOf("t.b"));
    expect([old, wider, back].map(texts)).toEqual([["B0"], ["B1"], ["B2"]]);
  });

  it("on a work queue is refused as long as the old durable is there, and the refusal says which and what to do", async () => {
    await stage.jsm.streams.add({ name: "JOBS", subjects: ["jobs.>"], retention: "workqueue" });
    const replica = await stage.replica();
    await replica.bind("h", durable("jobs.*")).then((owner) => owner.binding!.unbind());
    const refused: RuntimeError = await replica.bind("h", durable("jobs.new")).catch((error) => error);
    expect(refused.code).toBe("CONSUMER_REFUSED");
    expect(refused.remedy).toMatch(
      /^Durable "app-h-\w+" of handler "h" of app "app" takes "jobs\.\*"\. It is this handler's own, .*nats consumer rm JOBS app-h-\w+/,
    );
    await replica.bind("other", durable("jobs.a.b"));
  });
});

describe("a durable that something else has set to another subject", () => {
  it("has its messages given back unrun, uncharged and told", async () => {
    const replica = await stage.replica();
    const owner = await replica.bind("h", durable("t.a"), ACK);
    // Server 2.9 would deliver nothing of a wildcard set in place of a literal.
    await stage.jsm.consumers.update("T", nameOf("t.a"), { filter_subject: "t.b" });
    const told = replica.events.notice(/"t\.b" is not a subject of handler "h", which takes "t\.a"/);
    await stage.store("t.b", "B0");
    // Server 2.9 hands it out five seconds later only: a request that waits still waits for the subject of before.
    await told;
    await expect.poll(async () => (await stage.jsm.consumers.info("T", nameOf("t.a"))).num_ack_pending).toBe(1);
    // Server 2.9 may deliver it more than once: none of the deliveries is charged.
    const reader = new OwnStreamReader(stage.jsm, "GIVEN_BACK_app");
    const query = { last_by_subj: `given-back.app.T.${nameOf("t.a")}.1` };
    const written = async () => (await reader.get(query))?.string();
    const deliveries = async () => String((await stage.jsm.consumers.info("T", nameOf("t.a"))).delivered.consumer_seq);
    await expect.poll(async () => (await written()) === (await deliveries())).toBe(true);
    expect(texts(owner)).toEqual([]);
  });
});
