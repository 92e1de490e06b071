import { describe, expect, it } from "vitest";
import { HandlerStats } from "../../../runtime/deliver/handler-stats.ts";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import type { RuntimeSource } from "../../../runtime/observe/metrics-source.ts";
import { endpointName, ServiceProtocol, serviceInfo, serviceStats } from "../../../runtime/observe/service-protocol.ts";
import { versionIn } from "../../../runtime/observe/service-protocol-version.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { reading, source } from "./readings.ts";

type Callback = (error: Error | null, request: { respond(text: string): void }) => void;

/** A connection that keeps what is subscribed to. */
function fakeConnection() {
  const callbacks = new Map<string, Callback>();
  const connection = {
    subscribe(subject: string, { callback }: { callback: Callback }) {
      callbacks.set(subject, callback);
      const end = () => void callbacks.delete(subject);
      return { drain: async () => end(), unsubscribe: end };
    },
    flush: async () => undefined,
  };
  return { callbacks, connection: connection as never };
}

const clock = fakeClock();

function optionsFor(from: RuntimeSource, connection = fakeConnection().connection, events: RuntimeEvent[] = []) {
  const queueGroup = (handler: string) => `shop.${handler}`;
  return {
    connection,
    source: from,
    queueGroup,
    startedAtMs: 0,
    clock,
    emit: (event: RuntimeEvent) => void events.push(event),
  };
}

describe("INFO", () => {
  it("lists every handler that can be called, with what it is", () => {
    const status = { kind: "request", subjects: ["todo.list"] };
    const handlers = [
      reading("todo/list", { status, description: "lists" }),
      reading("todo/save", { status: { kind: "durable", subjects: ["todo.new", "todo.done"] } }),
    ];
    expect(serviceInfo(optionsFor(source(handlers)))).toEqual({
      type: "io.nats.micro.v1.info_response",
      name: "shop",
      id: "ab12cd34",
      version: "1.2.3",
      metadata: { runtime: "nats-handlers" },
      description: "handlers of app shop",
      endpoints: [
        {
          name: "todo_list",
          subject: "todo.list",
          queue_group: "shop.todo/list",
          metadata: {
            handler: "todo/list",
            kind: "request",
            file: "handlers/todo/list.ts",
            version: "v1",
            state: "serving",
            description: "lists",
          },
        },
        expect.objectContaining({
          name: "todo_save",
          subject: "todo.new",
          queue_group: "",
          metadata: expect.objectContaining({ subjects: "todo.new, todo.done" }),
        }),
      ],
    });
  });

  it("leaves out what is disabled or has no version, and comes back to it", () => {
    let state = "disabled";
    const from = source([], { handlers: () => [reading("a", { status: { state } })] });
    expect(serviceInfo(optionsFor(from))).toMatchObject({ endpoints: [] });
    state = "serving";
    expect(serviceInfo(optionsFor(from))).toMatchObject({ endpoints: [{ name: "a" }] });
    const failed = reading("b", { status: { state: "failed", version: undefined } });
    expect(serviceInfo(optionsFor(source([failed])))).toMatchObject({ endpoints: [] });
  });
});

describe("STATS", () => {
  it("counts in whole nanoseconds, and the average is cut to a whole number", () => {
    const stats = new HandlerStats();
    stats.count("returned", 1, 1.000001, 0);
    stats.count("returned", 1, 1, 0);
    stats.count("threw", 1, 1, 0);
    stats.lastError = "500:it broke";
    expect(serviceStats(optionsFor(source([reading("a", { stats })])))).toMatchObject({
      type: "io.nats.micro.v1.stats_response",
      started: "1970-01-01T00:00:00.000Z",
      endpoints: [
        {
          num_requests: 3,
          num_errors: 1,
          last_error: "500:it broke",
          processing_time: 3_000_001,
          average_processing_time: 1_000_000,
        },
      ],
    });
  });

  it("has zeros and an empty last error for a handler that has not done anything", () => {
    const [endpoint] = (serviceStats(optionsFor(source([reading("a")]))) as { endpoints: object[] }).endpoints;
    const zeros = { num_requests: 0, num_errors: 0, processing_time: 0, average_processing_time: 0 };
    expect(endpoint).toEqual({ name: "a", subject: "a.>", queue_group: "shop.a", ...zeros, last_error: "" });
  });
});

describe("the service", () => {
  it("listens on nine subjects, answers each with the type that belongs to it, and leaves them in the end", async () => {
    const { connection, callbacks } = fakeConnection();
    const service = new ServiceProtocol(optionsFor(source([]), connection));
    await service.listen();
    const types = [...callbacks].map(([subject, callback]) => {
      let text = "";
      callback(null, { respond: (given) => (text = given) });
      return [subject, (JSON.parse(text) as { type: string }).type];
    });
    const expected = ["PING", "INFO", "STATS"].flatMap((verb) =>
      [`$SRV.${verb}`, `$SRV.${verb}.shop`, `$SRV.${verb}.shop.ab12cd34`].map((subject) => [
        subject,
        `io.nats.micro.v1.${verb.toLowerCase()}_response`,
      ]),
    );
    expect(types).toEqual(expected);
    await service.close();
    expect(callbacks.size).toBe(0);
  });

  it("never throws into the connection, and tells what went wrong", async () => {
    const { connection, callbacks } = fakeConnection();
    const events: RuntimeEvent[] = [];
    const handlers = () => {
      throw new Error("no list");
    };
    const service = new ServiceProtocol(optionsFor(source([], { handlers }), connection, events));
    await service.listen();
    callbacks.get("$SRV.INFO")?.(null, { respond: () => undefined });
    expect(events).toMatchObject([{ type: "runtime.notice", message: expect.stringContaining("no list") }]);
  });

  it("tells once when it may not listen, and goes without", async () => {
    const { connection, callbacks } = fakeConnection();
    const events: RuntimeEvent[] = [];
    const refusing = {
      ...(connection as object),
      flush: async () => callbacks.get("$SRV.PING")?.(new Error("not allowed"), { respond: () => undefined }),
    };
    await new ServiceProtocol(optionsFor(source([]), refusing as never, events)).listen();
    expect(events).toMatchObject([{ level: "warn", message: expect.stringContaining("not allowed") }]);
    expect([...callbacks.keys()]).toEqual(["$SRV.PING"]);
  });

  it("is shown a minute after the right to it has come, without another word", async () => {
    const { connection, callbacks } = fakeConnection();
    const events: RuntimeEvent[] = [];
    let isAllowed = false;
    const flush = async () => {
      if (!isAllowed) callbacks.get("$SRV.PING")?.(new Error("not allowed"), { respond: () => undefined });
    };
    const service = new ServiceProtocol(optionsFor(source([]), { ...(connection as object), flush } as never, events));
    await service.listen();
    clock.advance(60_000);
    expect([...callbacks.keys()]).toEqual(["$SRV.PING"]);
    await Promise.resolve();
    isAllowed = true;
    clock.advance(60_000);
    await expect.poll(() => callbacks.size).toBe(9);
    expect(events).toHaveLength(1);
  });

  it("has names and a version that the NATS CLI takes", () => {
    const alike = ["todo/save", "todo_save", "todo.save", "todo-save", "todo/v1.save", "todo.v1/save", "a_/b", "a__b"];
    const names = alike.map(endpointName);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]+$/);
    expect(new Set(names).size).toBe(alike.length);
    expect(endpointName("todo/save")).toBe("todo_save");
    expect(versionIn('{"version":"1.2.3-rc.1+5"}')).toBe("1.2.3-rc.1+5");
    for (const text of ['{"version":"1.2"}', '{"version":7}', "{}", "no json"]) expect(versionIn(text)).toBe("0.0.0");
  });
});
