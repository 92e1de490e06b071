import { connect, type Payload, type RequestOptions } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import type { RuntimeError } from "../../runtime/errors.ts";
import { madeBy } from "../../runtime/streams/own-streams.ts";
import { StreamFinder } from "../../runtime/streams/stream-finder.ts";
import type { DeclaredStream } from "../../runtime/streams/stream-settings.ts";
import { ensureStreams } from "../../runtime/streams/streams.ts";
import { unclaimed } from "../../runtime/streams/unclaimed.ts";
import { eventRecorder } from "../support/event-recorder.ts";
import { startTestServer } from "../support/nats-server.ts";
import { durable, useStreamStage } from "../support/stream-stage.ts";

const stage = useStreamStage();

function declared(changes: Partial<DeclaredStream> = {}): DeclaredStream {
  return {
    name: "TODO",
    subjects: ["todo.>"],
    description: undefined,
    maxAgeMs: undefined,
    maxBytes: undefined,
    maxMessages: undefined,
    maxMessageBytes: undefined,
    retention: undefined,
    storage: undefined,
    discard: undefined,
    replicas: undefined,
    duplicateWindowMs: undefined,
    atomic: undefined,
    ...changes,
  };
}

function ensure(provision: boolean, ...streams: DeclaredStream[]) {
  const { events, emit } = eventRecorder();
  return ensureStreams({ connection: stage.client, streams, provision, copies: 1, emit }).then(() => events);
}

function refused(promise: Promise<unknown>): Promise<RuntimeError> {
  return promise.then(
    () => expect.fail("was not refused"),
    (error: RuntimeError) => error,
  );
}

describe("a declared stream", () => {
  it("is made where streams are provisioned, bounded in time and bytes", async () => {
    const [told] = await ensure(true, declared());
    expect(told).toMatchObject({ type: "runtime.notice", message: 'stream "TODO" made for "todo.>"' });
    const { config } = await stage.jsm.streams.info("TODO");
    expect(config).toMatchObject({ subjects: ["todo.>"], retention: "limits", storage: "file", discard: "old" });
    expect(config.max_age).toBe(7 * 86_400e9);
    expect(config.max_bytes).toBeGreaterThan(0);
    expect(await ensure(true, declared())).toEqual([]);
  });

  it("that is missing is refused elsewhere, with what to do", async () => {
    const error = await refused(ensure(false, declared()));
    expect(error.code).toBe("STREAM_MISSING");
    expect(error.remedy).toMatch(/--provision.*nats stream add TODO --subjects todo\.>/);
  });

  it("is changed in what is stated, and in nothing else", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.new"], max_msgs: 77, max_age: 5e9 });
    await ensure(true, declared({ maxAgeMs: 60_000 }));
    expect((await stage.jsm.streams.info("TODO")).config).toMatchObject({
      subjects: ["todo.>"],
      max_age: 60e9,
      max_msgs: 77,
    });
  });

  it("knows repeated publishes for ten minutes, and for no longer than it keeps messages, also when that is shortened", async () => {
    const window = async () => (await stage.jsm.streams.info("TODO")).config.duplicate_window;
    await ensure(true, declared());
    expect(await window()).toBe(600e9);
    await ensure(true, declared({ maxAgeMs: 60_000 }));
    expect(await window()).toBe(60e9);
    await stage.jsm.streams.delete("TODO");
    await ensure(true, declared({ maxAgeMs: 30_000 }));
    expect(await window()).toBe(30e9);
  });

  it("that differs where it may not be changed is told; one that takes less than declared is refused", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"], max_msgs: 77 });
    const [told] = await ensure(false, declared({ maxMessages: 100 }));
    expect(told).toMatchObject({ level: "warn", message: expect.stringContaining("differs") });
    const error = await refused(ensure(false, declared({ subjects: ["todo.>", "other"] })));
    expect(error).toMatchObject({ code: "STREAM_REFUSED", message: expect.stringContaining('leaves out "other"') });
    expect((await stage.jsm.streams.info("TODO")).config.max_msgs).toBe(77);
  });

  it("whose subjects another stream has is refused with how to find it", async () => {
    await stage.jsm.streams.add({ name: "OTHER", subjects: ["todo.new"] });
    const error = await refused(ensure(true, declared()));
    expect(error).toMatchObject({ code: "STREAM_REFUSED", remedy: expect.stringContaining("nats stream subjects") });
  });
});

describe("the stream of a durable handler's subject", () => {
  function finder(provision: boolean, streams: readonly string[] = [], connection = stage.client) {
    const recorder = eventRecorder();
    const options = {
      copies: 1,
      connection,
      app: "shop",
      declared: streams,
      provision,
      clock: systemClock,
      emit: recorder.emit,
    };
    return Object.assign(new StreamFinder(options), { events: recorder.events });
  }

  it("is the one that takes all of it", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.*", "list.>"] });
    expect(await finder(false).streamFor("todo.new", "a")).toBe("TODO");
    expect(await finder(false).streamFor("list.*.x", "a")).toBe("TODO");
  });

  it("that does not exist is refused with the line to add", async () => {
    const error = await refused(finder(false).streamFor("todo.new", "save"));
    expect(error).toMatchObject({ code: "STREAM_MISSING", handler: "save" });
    expect(error.remedy).toContain('streams: [{ name: "TODO", subjects: ["todo.>"] }]');
  });

  it("is made in dev, once, and widened for the next handler", async () => {
    const find = finder(true);
    const subjects = ["todo.new", "todo.saved", "todo.*", "todo.new"];
    const names = await Promise.all(subjects.map((subject) => find.streamFor(subject, "h")));
    expect(new Set(names)).toEqual(new Set(["SHOP_TODO"]));
    expect((await stage.jsm.streams.info("SHOP_TODO")).config.subjects).toEqual(["todo.*"]);
    expect(find.events[0]).toMatchObject({ message: expect.stringMatching(/no stream takes "todo.new".*"SHOP_TODO"/) });
  });

  it.each([0, 1])(
    "is written again when the leader lost the change of it, as in an election (%i of ours before)",
    async (writes) => {
      await stage.jsm.streams.add({ name: "SHOP_TODO", subjects: ["todo.first"], description: madeBy("shop") });
      if (writes === 0) await stage.jsm.streams.update("SHOP_TODO", { subjects: ["todo.first", "todo.new"] });
      const { connection, updates } = unawareUntil(writes + 1);
      expect(await finder(true, [], connection).streamFor("todo.new", "h")).toBe("SHOP_TODO");
      expect(updates()).toBe(writes + 1);
    },
  );

  it("whose leader goes on not knowing of a subject is waited for, and not refused", async () => {
    const { connection } = unawareUntil(Number.POSITIVE_INFINITY);
    await stage.jsm.streams.add({ name: "SHOP_TODO", subjects: ["todo.first"], description: madeBy("shop") });
    const error = await refused(finder(true, [], connection).streamFor("todo.new", "h"));
    expect(error.code).toBe("NATS_UNREACHABLE");
    expect(error.message).toBe(`stream "SHOP_TODO" takes "todo.new", and JetStream's leader does not know of it`);
  });

  it("takes the subjects of all replicas that widen it at once", async () => {
    const replicas = await Promise.all([1, 2, 3].map(() => connect({ servers: stage.server.url })));
    try {
      await finder(true).streamFor("todo.first", "h");
      for (let round = 1; round <= 5; round++) {
        const subjects = replicas.map((_, at) => `todo.${round}.${at}`);
        const names = replicas.map((connection, at) => finder(true, [], connection).streamFor(subjects[at]!, "h"));
        expect(await Promise.all(names)).toEqual(replicas.map(() => "SHOP_TODO"));
        expect((await stage.jsm.streams.info("SHOP_TODO")).config.subjects).toEqual(expect.arrayContaining(subjects));
      }
    } finally {
      await Promise.all(replicas.map((connection) => connection.close()));
    }
  });

  it("is never changed when it is not ours: what it lacks is explained", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.new"] });
    const error = await refused(finder(true, ["TODO"]).streamFor("todo.*", "save"));
    expect(error).toMatchObject({ code: "STREAM_REFUSED", message: expect.stringContaining("only a part") });
    expect(error.remedy).toContain('subjects: ["todo.*"]');
    expect((await stage.jsm.streams.info("TODO")).config.subjects).toEqual(["todo.new"]);
  });

  it("must be one: several are refused with their names", async () => {
    await stage.jsm.streams.add({ name: "ONE", subjects: ["todo.one"] });
    await stage.jsm.streams.add({ name: "TWO", subjects: ["todo.two"] });
    const error = await refused(finder(true).streamFor("todo.*", "save"));
    expect(error).toMatchObject({ code: "STREAM_REFUSED", message: expect.stringMatching(/2 streams: ONE, TWO/) });
  });

  it("in an account without JetStream is refused in plain words", async () => {
    const server = await startTestServer({ config: 'accounts { A { users: [{ user: "a", password: "a" }] } }' });
    const connection = await connect({ servers: server.url, user: "a", pass: "a" });
    try {
      const options = {
        copies: 1,
        connection,
        app: "shop",
        declared: [],
        provision: true,
        clock: systemClock,
        emit: () => undefined,
      };
      const error = await refused(new StreamFinder(options).streamFor("todo.new", "save"));
      expect(error).toMatchObject({ code: "STREAM_REFUSED", handler: "save" });
      expect(error.message).toMatch(/no stream could be found for "todo.new".*(not enabled|did not answer)/i);
    } finally {
      await connection.close();
      await server.stop();
    }
  });
});

/** The stage's connection, on which no subject finds a stream until a stream has been changed so many times. */
function unawareUntil(writes: number) {
  let written = 0;
  const connection = new Proxy(stage.client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== "request") return typeof value === "function" ? value.bind(target) : value;
      return (subject: string, payload?: Payload, options?: RequestOptions) => {
        if (subject.startsWith("$JS.API.STREAM.UPDATE.")) written++;
        const isUnaware = subject === "$JS.API.STREAM.NAMES" && written < writes;
        return target.request(subject, isUnaware ? JSON.stringify({ subject: "nobody.takes.this" }) : payload, options);
      };
    },
  });
  return { connection, updates: () => written };
}

describe("unclaimed subjects", () => {
  it("are those stored that no consumer and no handler takes, most messages first", async () => {
    await stage.jsm.streams.add({ name: "TODO", subjects: ["todo.>"] });
    await (await stage.replica()).bind("save", durable("todo.new"));
    await stage.store("todo.new", "1");
    await stage.store("todo.nwe", "1");
    await stage.store("todo.other", "1", "2");
    await stage.store("todo.heard", "1");
    const found = await unclaimed({ connection: stage.client, streams: ["TODO", "NONE"], taken: ["todo.heard"] });
    expect(found).toEqual([
      { stream: "TODO", subject: "todo.other", messages: 2 },
      { stream: "TODO", subject: "todo.nwe", messages: 1 },
    ]);
  });
});
