import type { NatsConnection, Status } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { RateLimitedNotices } from "../../../runtime/nats/rate-limited-notices.ts";
import { ConnectedSender } from "../../../runtime/nats/send-when-connected.ts";
import { UnawaitedWork } from "../../../runtime/nats/unawaited-work.ts";
import { eventRecorder } from "../../support/event-recorder.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function connectionWithStatus() {
  const sent: string[] = [];
  const queue: Status[] = [];
  let wake: () => void = () => undefined;
  async function* statuses() {
    for (;;) {
      while (queue.length > 0) yield queue.shift()!;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const connection: Partial<NatsConnection> = {
    status: statuses,
    publish: (subject) => void sent.push(subject),
  };
  const change = async (type: "disconnect" | "reconnect") => {
    queue.push({ type, server: "s" });
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { connection: connection as NatsConnection, sent, change };
}

it("settlements wait for the connection and go out before its listeners hear of it, once; passing words are dropped", async () => {
  const { connection, sent, change } = connectionWithStatus();
  const uplink = new ConnectedSender(connection);
  const bytes = new Uint8Array(0);
  uplink.send("first", bytes);
  await change("disconnect");
  uplink.send("held", bytes);
  uplink.sendNow("passing", bytes);
  expect([uplink.isUp, sent]).toEqual([false, ["first"]]);
  const forget = uplink.onReconnect(() => sent.push("told"));
  await change("reconnect");
  expect([uplink.isUp, sent]).toEqual([true, ["first", "held", "told"]]);
  await change("reconnect");
  expect(sent).toEqual(["first", "held", "told"]);
  forget();
  await change("disconnect");
  await change("reconnect");
  expect(sent).toEqual(["first", "held", "told"]);
});

it("the same trouble is told once a minute, with how often it came since", () => {
  const { events, emit } = eventRecorder();
  const clock = fakeClock();
  const notices = new RateLimitedNotices(emit, clock);
  for (let at = 0; at < 3; at++) notices.tell("key", "warn", "trouble");
  notices.tell("other", "warn", "other trouble");
  clock.advance(60_000);
  notices.tell("key", "warn", "trouble");
  expect(events.map((event) => (event.type === "runtime.notice" ? event.message : ""))).toEqual([
    "trouble",
    "other trouble",
    "trouble (2 more times since it was last told)",
  ]);
});

it("what is pending is awaited, also when more is added meanwhile", async () => {
  const pending = new UnawaitedWork();
  const done: string[] = [];
  const later = async () => void done.push("second");
  pending.add(
    (async () => {
      await undefined;
      pending.add(later());
      done.push("first");
    })(),
  );
  await pending.settled();
  expect(done.sort()).toEqual(["first", "second"]);
});
