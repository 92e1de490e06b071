// W3C trace context through handlers, retries and dead letters, where nobody has set up OpenTelemetry.
// @module-tag any-server

import { expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import type { Headers } from "../support/client.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const CONTEXT: Headers = {
  traceparent: [TRACEPARENT],
  tracestate: ["one=1", "two=2"],
  baggage: ["user=7"],
};

const RELAY = `
  export const metadata = { subject: "relay" };
  export default async (headers, ctx) => {
    await ctx.publish("relayed", ctx.headers.get("traceparent") ?? null, { headers });
    await ctx.request("asked", null, { headers });
  };`;

/** What leaves a handler that got a message with these headers, and publishes with those of its own. */
async function relayed(received: Headers, own: Record<string, string> = {}) {
  const [published, asked] = [await stage.client.collect("relayed"), await stage.client.collect("asked")];
  stage.client.connection.subscribe("asked", { callback: (_, message) => void message.respond("") });
  await stage.start({ handlers: { "relay.ts": RELAY } });
  stage.client.publish("relay", own, received);
  await Promise.all([published.until(1), asked.until(1)]);
  const [one, other] = [published.messages[0]?.headers, asked.messages[0]?.headers];
  const context = (headers = one) => {
    const of = (name: string) => headers?.values(name);
    return { traceparent: of("traceparent"), tracestate: of("tracestate"), baggage: of("baggage") };
  };
  expect(context(one)).toEqual(context(other));
  return { ...context(), seen: published.values[0] };
}

it("a handler sees the trace of its message, and what it publishes and requests belongs to it", async () => {
  expect(await relayed(CONTEXT)).toEqual({ ...CONTEXT, seen: TRACEPARENT });
});

it("a trace the author gives wins, and does not get the state of the other", async () => {
  const other = TRACEPARENT.replace("0af7", "1bf7");
  const expected = { traceparent: [other], tracestate: [], baggage: ["user=7"], seen: TRACEPARENT };
  expect(await relayed(CONTEXT, { traceparent: other })).toEqual(expected);
});

it("a message without a trace starts none, and one that cannot be read goes no further", async () => {
  const none = { traceparent: [], tracestate: [], baggage: [] };
  expect(await relayed({ "X-Other": ["1"] })).toEqual({ ...none, seen: null });
  const bent = { traceparent: ["00-nonsense"], tracestate: ["one=1"] };
  expect(await relayed(bent)).toEqual({ ...none, seen: "00-nonsense" });
});

it("every attempt, every line of it and the dead letter belong to the trace", async () => {
  const handlers = {
    "save.ts": `
      export const metadata = { subject: "orders", kind: "durable", retry: { attempts: 2, backoff: "1ms" } };
      export default (_, ctx) => {
        ctx.log.info("tried");
        throw new Error("no");
      };`,
  };
  const app = await stage.start({ handlers });
  await app.after(() => stage.client.publish("orders", 1, CONTEXT), "delivery.failed", {
    settled: "will be kept as a dead letter",
  });
  const { version } = app.status("save");
  const line = { handler: "save", version, traceId: TRACE };
  const both = [1, 2].map((attempt) => ({ ...line, attempt }));
  expect(app.told("handler.log")).toMatchObject(
    both.map((each) => ({ ...each, messageId: expect.stringMatching(/^SHOP_ORDERS:1:\d{13}$/) })),
  );
  const id = expect.stringMatching(/^SHOP_ORDERS:1:\d{13}$/);
  expect(app.told("delivery.failed")).toMatchObject(both.map((each) => ({ ...each, id })));
  await app.close();
  const [letter] = await new DeadLetterBox(stage.client.connection, "shop").list();
  const { headers } = (await new DeadLetterBox(stage.client.connection, "shop").show(letter!.id))!;
  expect(headers).toEqual(Object.entries(CONTEXT).flatMap(([name, values]) => values.map((value) => [name, value])));
});
