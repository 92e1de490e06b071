import { describe, expect, it } from "vitest";
import { asyncApiOf, type DescribedHandler, documentText } from "../../../runtime/describe/asyncapi.ts";
import { breaksBetween } from "../../../runtime/describe/changes.ts";
import type { PlannedTimes } from "../../../runtime/metadata/planned-times.ts";

const TEXT = { schema: { type: "string" } };
const NUMBER = { schema: { type: "number" } };

function handler(name: string, changes: Partial<DescribedHandler> = {}): DescribedHandler {
  return {
    name,
    kind: "event",
    subjects: ["shop.order"],
    store: undefined,
    envelope: "none",
    description: "",
    queue: `shop.${name}`,
    timeoutMs: 30_000,
    attempts: 5,
    schedule: undefined,
    streamsReply: false,
    publishes: [],
    contract: undefined,
    ...changes,
  };
}

const describeApp = (...handlers: DescribedHandler[]) =>
  asyncApiOf({ app: "shop", version: "1.2.3", description: "" }, handlers);
const documentOf = (...handlers: DescribedHandler[]) => describeApp(...handlers).document;

describe("the document of an app", () => {
  it("has a channel for each subject, and an operation for each handler and each event it publishes", () => {
    const { channels, operations, components } = documentOf(
      handler("orders/save", {
        kind: "durable",
        queue: undefined,
        publishes: ["shop.saved"],
        contract: { takes: TEXT, publishes: [{ subject: "shop.saved", schema: NUMBER }] },
      }),
      handler("audit", { subjects: ["shop.>"] }),
    );
    expect(Object.keys(channels)).toEqual(["shop.>", "shop.order", "shop.saved"]);
    expect(Object.keys(operations)).toEqual(["audit", "orders/save", "orders/save publishes shop.saved"]);
    expect(operations["orders/save"]).toEqual({
      action: "receive",
      channel: { $ref: "#/channels/shop.order" },
      messages: [{ $ref: "#/channels/shop.order/messages/shop.order" }],
      "x-handler": { name: "orders/save", kind: "durable", timeoutMs: 30_000, attempts: 5 },
    });
    expect(operations["orders/save publishes shop.saved"]).toMatchObject({ action: "send" });
    expect(components.messages["shop.saved"]?.payload?.schema).toEqual({ type: "number" });
  });

  it("has the reply of a request that says what it answers", () => {
    const price = handler("price", { kind: "request", contract: { takes: TEXT, replies: NUMBER, publishes: [] } });
    const { channels, operations, components } = documentOf(price);
    expect(channels["shop.order reply"]?.address).toBeNull();
    expect(operations.price?.reply).toEqual({
      channel: { $ref: "#/channels/shop.order%20reply" },
      messages: [{ $ref: "#/channels/shop.order%20reply/messages/shop.order%20reply" }],
    });
    expect(components.messages["shop.order reply"]?.payload?.schema).toEqual({ type: "number" });
  });

  it("says of which bucket the changes are that a handler takes", () => {
    const store = { kind: "kv", bucket: "users" } as const;
    const { channels, operations } = documentOf(
      handler("users/changed", { kind: "durable", store, subjects: ["$KV.users.profile.*"], queue: undefined }),
    );
    expect(Object.values(channels).map(({ address }) => address)).toEqual(["$KV.users.profile.*"]);
    expect(operations["users/changed"]?.["x-handler"]).toMatchObject({ kind: "durable", kv: "users" });
  });

  it("says when a handler runs by itself", () => {
    const schedule = (times: PlannedTimes) => ({ times, missed: "once", payload: "" }) as const;
    const { operations } = documentOf(
      handler("nightly", { schedule: schedule({ kind: "cron", pattern: "0 5 * * *", timeZone: "Europe/Berlin" }) }),
      handler("often", { schedule: schedule({ kind: "every", everyMs: 90_000 }) }),
    );
    expect(Object.values(operations).map((one) => one["x-handler"].schedule)).toEqual([
      { cron: "0 5 * * *", timeZone: "Europe/Berlin", missed: "once" },
      { everyMs: 90_000, missed: "once" },
    ]);
  });

  it("is the same text in whatever order the handlers come", () => {
    const handlers = ["b", "a/c", "a-c"].map((name) =>
      handler(name, { subjects: [`shop.${name.length}`], publishes: ["x.y", "x.a"] }),
    );
    expect(documentText(documentOf(...handlers.toReversed()))).toBe(documentText(documentOf(...handlers)));
  });

  it("keeps apart what two handlers take of one subject, where they do not agree", () => {
    const { components } = documentOf(
      handler("a", { contract: { takes: TEXT, publishes: [] } }),
      handler("b", { contract: { takes: NUMBER, publishes: [] } }),
      handler("c", { contract: { takes: TEXT, publishes: [] } }),
    );
    expect(Object.keys(components.messages)).toEqual(["shop.order", "shop.order of b"]);
  });

  it("says whose schema cannot be described, and why", () => {
    const takes = { problem: "cannot be described: Date cannot be represented in JSON Schema" };
    expect(describeApp(handler("a", { contract: { takes, publishes: [] } })).problems).toEqual([
      `the schema of "shop.order" in handler "a" ${takes.problem}`,
    ]);
  });
});

describe("a change of an app", () => {
  const takes = (schema: { schema: { type: string } }) => ({ contract: { takes: schema, publishes: [] } });
  const sends = (schema: { schema: { type: string } }) => ({
    publishes: ["shop.saved"],
    contract: { publishes: [{ subject: "shop.saved", schema }] },
  });

  it("of what a handler takes breaks its senders", () => {
    const breaks = breaksBetween(documentOf(handler("a", takes(TEXT))), documentOf(handler("a", takes(NUMBER))));
    expect(breaks).toEqual([expect.objectContaining({ subject: "shop.order", breaks: "senders", rule: "type" })]);
  });

  it("of what a handler publishes breaks its subscribers", () => {
    const breaks = breaksBetween(documentOf(handler("a", sends(TEXT))), documentOf(handler("a", sends(NUMBER))));
    expect(breaks).toEqual([expect.objectContaining({ subject: "shop.saved", breaks: "subscribers", rule: "type" })]);
  });

  it("that leaves an event unpublished breaks its subscribers, unless another handler publishes it", () => {
    const before = documentOf(handler("a", sends(TEXT)));
    expect(breaksBetween(before, documentOf(handler("a")))).toEqual([
      expect.objectContaining({ subject: "shop.saved", breaks: "subscribers", rule: "removed" }),
    ]);
    expect(breaksBetween(before, documentOf(handler("a"), handler("b", sends(TEXT))))).toEqual([]);
  });

  it("that leaves a request unanswered breaks who asks, unless another handler answers", () => {
    const before = documentOf(handler("a", { kind: "request" }));
    const gone = [expect.objectContaining({ subject: "shop.order", breaks: "senders", rule: "removed" })];
    expect(breaksBetween(before, documentOf())).toEqual(gone);
    expect(breaksBetween(before, documentOf(handler("a", { kind: "request", subjects: ["shop.other"] })))).toEqual(
      gone,
    );
    expect(breaksBetween(before, documentOf(handler("a")))).toEqual(gone);
    expect(breaksBetween(before, documentOf(handler("b", { kind: "request" })))).toEqual([]);
  });

  it("of the envelope breaks who sends to the handler", () => {
    const [plain, nest] = [documentOf(handler("a")), documentOf(handler("a", { envelope: "nest" }))];
    const breaks = { subject: "shop.order", breaks: "senders", path: "", rule: "envelope" };
    expect(breaksBetween(plain, nest)).toEqual([{ ...breaks, text: 'is taken in the envelope "nest" now' }]);
    expect(breaksBetween(nest, plain)).toEqual([{ ...breaks, text: "is taken without an envelope now" }]);
    expect(breaksBetween(nest, nest)).toEqual([]);
  });

  it("that brings or removes a subscriber breaks nobody", () => {
    const one = documentOf(handler("a"));
    const two = documentOf(handler("a"), handler("b", { subjects: ["shop.>"] }));
    expect([breaksBetween(one, two), breaksBetween(two, one)]).toEqual([[], []]);
  });

  it("breaks requesters when a reply may be what it never was, and nobody when it may be less", () => {
    const answers = (schema: object) =>
      documentOf(
        handler("price", { kind: "request", contract: { takes: TEXT, replies: { schema }, publishes: [] } } as never),
      );
    const [some, more] = [{ enum: ["a"] }, { enum: ["a", "b"] }].map(answers) as [never, never];
    expect(breaksBetween(some, more)).toEqual([
      { subject: "shop.order", breaks: "requesters", path: "", rule: "enum", text: 'may be "b", which is not allowed' },
    ]);
    expect(breaksBetween(more, some)).toEqual([]);
    const says = documentOf(handler("price", { kind: "request", contract: { takes: TEXT, publishes: [] } }));
    expect(breaksBetween(some, says)).toMatchObject([{ breaks: "requesters" }]);
    expect(breaksBetween(says, some)).toEqual([]);
  });
});
