import type { NatsConnection } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import type { HandlerCall } from "../../runtime/message/handler-call.ts";
import { encodeHeaders } from "../../runtime/message/header-block.ts";
import { RateLimitedNotices } from "../../runtime/nats/rate-limited-notices.ts";
import { Publisher, type PublisherOptions } from "../../runtime/publish/publisher.ts";
import { eventRecorder } from "../support/event-recorder.ts";
import { freeze } from "../support/processes.ts";
import { useStreamStage } from "../support/stream-stage.ts";

const stage = useStreamStage();
const told = eventRecorder();

function call(changes: Partial<HandlerCall> = {}): HandlerCall {
  return {
    kind: "publish",
    handler: "save",
    subject: "todo.saved",
    messageId: "save:TODO:1:1:todo.saved",
    again: false,
    headers: encodeHeaders([["X-Colour", "red"]]),
    payload: Buffer.from("text"),
    timeoutMs: 2_000,
    gone: new AbortController().signal,
    ...changes,
  };
}

function newPublisher(changes: Partial<PublisherOptions> = {}): Publisher {
  const notices = new RateLimitedNotices(told.emit, systemClock);
  return new Publisher({
    connection: stage.client,
    app: "app",
    inboxPrefix: undefined,
    clock: systemClock,
    notices,
    ...changes,
  });
}

async function lost(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) if (type === "disconnect") return;
}

describe("a handler's publish", () => {
  it("into a stream is answered when it is stored, with its headers, and stored once however often it is repeated", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const publisher = newPublisher();
    for (let at = 0; at < 3; at++) expect(await publisher.call(call())).toMatchObject({ ok: true });
    expect(await publisher.call(call({ messageId: "save:TODO:1:2:todo.saved" }))).toMatchObject({ ok: true });
    expect((await stage.jsm.streams.info("TODO")).state.messages).toBe(2);
    const stored = await stage.jsm.streams.getMessage("TODO", { seq: 1 });
    expect(stored!.header.get("X-Colour")).toBe("red");
  });

  it("that a stream takes for a repetition is told, unless the run was a repeated one", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const publisher = newPublisher();
    const from = told.events.length;
    for (const again of [false, true]) expect(await publisher.call(call({ again }))).toMatchObject({ ok: true });
    expect(told.events.slice(from)).toEqual([]);
    expect(await publisher.call(call())).toMatchObject({ ok: true });
    const [notice, ...others] = told.events.slice(from);
    expect(others).toEqual([]);
    const message = expect.stringMatching(
      /^handler "save" published to "todo\.saved", and stream "TODO" did not store it.*app:save:TODO:1:1:todo\.saved.* as 1/,
    );
    expect(notice).toMatchObject({ type: "runtime.notice", level: "warn", message });
  });

  it("that its stream does not take says so", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], max_msg_size: 2 });
    const answer = await newPublisher().call(call());
    expect(answer).toMatchObject({ ok: false, code: 409, message: expect.stringContaining("maximum") });
  });

  it("that no stream takes is a core message, also beside a stream of the same first token", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.stored"] });
    const publisher = newPublisher();
    const heard = new Promise<string>((resolve) => {
      stage.client.subscribe("todo.core", { max: 1, callback: (_error, message) => resolve(message.string()) });
    });
    expect(await publisher.call(call({ subject: "todo.core" }))).toMatchObject({ ok: true });
    expect(await heard).toBe("text");
    expect((await stage.jsm.streams.info("TODO")).state.messages).toBe(0);
  });

  it("notices a stream made later, and one removed", async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, monotonicMs: () => performance.now() + aheadMs };
    const publisher = newPublisher({ clock });
    expect(await publisher.call(call())).toMatchObject({ ok: true });
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    aheadMs = 10_000;
    await publisher.call(call()); // Serves what is stale, and has it asked anew.
    await expect.poll(() => publisher.call(call({ kind: "request" }))).toMatchObject({ ok: false, code: 400 });
    await stage.jsm.streams.delete("TODO");
    expect(await publisher.call(call())).toMatchObject({ ok: true });
  });
});

describe("a publish into a stream that confirms nothing (no_ack)", () => {
  it("is sent without waiting, stored once however often it is repeated, and told of once", async () => {
    await stage.jsm.streams.add({ name: "QUIET", subjects: ["todo.>"], no_ack: true });
    const { events, emit } = eventRecorder();
    const publisher = newPublisher({ notices: new RateLimitedNotices(emit, systemClock) });
    for (let at = 0; at < 3; at++) expect(await publisher.call(call())).toMatchObject({ ok: true });
    expect(await publisher.call(call({ messageId: "save:TODO:1:2:todo.saved" }))).toMatchObject({ ok: true });
    await expect.poll(async () => (await stage.jsm.streams.info("QUIET")).state.messages).toBe(2);
    const stored = await stage.jsm.streams.getMessage("QUIET", { seq: 1 });
    expect(stored!.header.get("X-Colour")).toBe("red");
    expect(events).toMatchObject([{ level: "warn", message: expect.stringContaining('"QUIET" confirms nothing') }]);
  });

  it("leaves its subjects to requests: no stream answers them", async () => {
    await stage.jsm.streams.add({ name: "QUIET", subjects: ["list"], no_ack: true });
    stage.client.subscribe("list", { callback: (_error, message) => void message.respond("reply") });
    const publisher = newPublisher();
    const answer = await publisher.call(call({ kind: "request", subject: "list" }));
    expect(answer.ok && Buffer.from(answer.body).toString()).toBe("reply");
  });
});

describe("a publish while NATS goes away", () => {
  it("that waits for those before it to be taken is sent when NATS is back, not dropped with the connection", async () => {
    const publisher = newPublisher();
    const payload = Buffer.alloc(600_000);
    await publisher.call(call({ subject: "core.first" }));
    await freeze(stage.server.pid);
    for (let at = 0; at < 2; at++)
      expect(await publisher.call(call({ subject: "core.large", payload }))).toMatchObject({ ok: true });
    const waiting = publisher.call(call({ subject: "core.last", timeoutMs: 5_000 }));
    const gone = lost(stage.client);
    await stage.server.kill();
    await gone;
    const heard = new Promise<string>((resolve) => {
      stage.client.subscribe("core.last", { max: 1, callback: (_error, message) => resolve(message.string()) });
    });
    await stage.server.restart();
    expect(await waiting).toMatchObject({ ok: true });
    expect(await heard).toBe("text");
  });

  it("whose stream is not known yet is refused, not sent unconfirmed", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const publisher = newPublisher();
    await freeze(stage.server.pid);
    const asking = publisher.call(call());
    await stage.server.kill();
    await stage.server.restart();
    expect(await asking).toMatchObject({ ok: false, code: 503, message: expect.stringContaining("nothing was sent") });
    await expect.poll(() => publisher.call(call())).toMatchObject({ ok: true });
  });
});

describe("a handler's request", () => {
  it("into a stream is refused with the reason", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    const answer = await newPublisher().call(call({ kind: "request" }));
    expect(answer).toMatchObject({ ok: false, code: 400 });
    expect(answer.ok ? "" : answer.message).toMatch(/stream "TODO" takes this subject.*before any handler/);
  });

  it("elsewhere is answered by the handler", async () => {
    stage.client.subscribe("list", { callback: (_error, message) => void message.respond("reply") });
    const answer = await newPublisher().call(call({ kind: "request", subject: "list" }));
    expect(answer.ok && Buffer.from(answer.body).toString()).toBe("reply");
  });
});
