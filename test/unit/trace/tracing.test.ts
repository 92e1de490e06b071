import { propagation, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterEach, describe, expect, it } from "vitest";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import { encodeHeaders } from "../../../runtime/message/header-block.ts";
import { RETURNED } from "../../../runtime/message/outcome.ts";
import type { WorkerPort } from "../../../runtime/message/worker-port.ts";
import { startTracing } from "../../../runtime/trace/tracing.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const clock = fakeClock();
/** Where every copy of the API keeps what is registered. */
const API = Symbol.for("opentelemetry.js.api.1");
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

afterEach(() => {
  trace.disable();
  propagation.disable();
});

async function started(): Promise<{ tracing: Awaited<ReturnType<typeof startTracing>>; told: string[] }> {
  const told: string[] = [];
  const emit = (event: RuntimeEvent) =>
    event.type === "runtime.notice" && told.push(`${event.level}: ${event.message}`);
  return { tracing: await startTracing({ clock, emit: (event) => void emit(event) }), told };
}

function delivery(headers: Uint8Array | undefined): Delivery {
  return { subject: "a", data: new Uint8Array(2), headers, seq: 7, attempt: 1, hops: 0 };
}

const ABOUT = { handler: "h", version: "v", subjects: ["a"], groups: ["g"], idPrefixes: ["p."] };

function worker(): WorkerPort & { readonly got: string[] } {
  const got: string[] = [];
  return {
    got,
    pid: 1,
    deliver: (_, { headers }) => void got.push(Buffer.from(headers!).toString()),
    deliverBatch: (_, deliveries) =>
      void got.push(...deliveries.map(({ headers }) => Buffer.from(headers!).toString())),
    abort: () => undefined,
    whereBlocked: async () => undefined,
    terminate: () => undefined,
  };
}

describe("tracing", () => {
  it("is off, and says nothing, where nobody has registered a provider", async () => {
    expect(await started()).toEqual({ tracing: undefined, told: [] });
    new NodeTracerProvider().register();
    trace.disable();
    expect(await started()).toEqual({ tracing: undefined, told: [] });
  });

  it("warns when there is a provider and no propagator", async () => {
    trace.setGlobalTracerProvider(new NodeTracerProvider());
    const { tracing, told } = await started();
    expect(tracing).toBeDefined();
    expect(told).toEqual([
      expect.stringMatching(/^info: tracing: spans go to/),
      expect.stringMatching(/^warn: tracing: no propagator is registered.*setGlobalPropagator/),
    ]);
  });

  it("warns when the provider is registered through an older API than it can read", async () => {
    // As another copy of the API does it.
    Object.assign(globalThis, { [API]: { version: "1.2.0", trace: new NodeTracerProvider() } });
    expect(await started()).toEqual({
      tracing: undefined,
      told: [expect.stringMatching(/^warn: tracing: there are no spans.*@opentelemetry\/api 1\.2\.0.*Update it$/)],
    });
    Reflect.deleteProperty(globalThis, API);
  });

  it("gives a run that is not sampled no span, and hands its parent's decision on", async () => {
    const exporter = new InMemorySpanExporter();
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
    const { runs } = (await started()).tracing!;
    const taken = worker();
    const one = delivery(encodeHeaders([["traceparent", PARENT.replace(/01$/, "00")]]));
    runs.around(taken, ABOUT).deliver(1, one);
    runs.ended(one, RETURNED);
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(taken.got).toEqual([
      expect.stringMatching(/^NATS\/1.0\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-\w{16}-00\r\n\r\n$/),
    ]);
    expect(taken.got[0]).not.toContain("b7ad6b7169203331");
  });

  it("makes a run that is begun again a sibling of the one cut short", async () => {
    const exporter = new InMemorySpanExporter();
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
    const { runs } = (await started()).tracing!;
    const port = runs.around(worker(), ABOUT);
    const one = delivery(encodeHeaders([["traceparent", PARENT]]));
    port.deliver(1, one);
    port.deliver(2, one);
    runs.ended(one, RETURNED);
    runs.ended(one, RETURNED);
    const told = exporter.getFinishedSpans().map(({ attributes, parentSpanContext }) => {
      return [attributes["handlers.outcome"], parentSpanContext?.spanId];
    });
    expect(told).toEqual([
      ["given-back", "b7ad6b7169203331"],
      ["returned", "b7ad6b7169203331"],
    ]);
  });

  it("warns when the last spans cannot be exported", async () => {
    const provider = new NodeTracerProvider();
    provider.forceFlush = () => Promise.reject(new Error("no collector"));
    provider.register();
    const { tracing, told } = await started();
    await tracing!.close();
    expect(told.at(-1)).toBe("warn: tracing: the last spans may be lost: no collector");
  });

  it("does not wait for ever for an exporter that does not answer", async () => {
    const provider = new NodeTracerProvider();
    provider.forceFlush = () => new Promise(() => {});
    provider.register();
    const { tracing, told } = await started();
    const closed = tracing!.close();
    clock.advance(3_000);
    await closed;
    expect(told.at(-1)).toBe("warn: tracing: the last spans may be lost: they were not exported within 3000 ms");
  });
});
