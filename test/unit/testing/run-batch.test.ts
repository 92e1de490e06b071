// The test kit's `runBatch`: what a test sees is what the runtime would do with each message.

import { type BatchContext, defineEvent, GiveUp, RetryLater } from "nats-handlers";
import { runBatch, runHandler } from "nats-handlers/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const placed = defineEvent("orders.placed", z.object({ id: z.string() }));
type Placed = { id: string };

function batched(run: (orders: Placed[], ctx: BatchContext) => unknown, more: object = {}) {
  return {
    default: run,
    metadata: { ...placed, kind: "durable", batch: { size: 4 }, ...more } as never as typeof placed,
  };
}

const orders = (...ids: string[]): Placed[] => ids.map((id) => ({ id }));

describe("a batch", () => {
  it("is given as an array, and each message ends by itself", async () => {
    const seen: unknown[] = [];
    const module = batched((all, ctx) => {
      seen.push(
        all,
        ctx.messages.map(({ attempt }) => attempt),
      );
      ctx.fail(1, new GiveUp("never"));
      ctx.fail(2, new RetryLater("5s"));
    });
    const { messages } = await runBatch(module, [{ id: "a" }, { id: 1 } as never, ...orders("b", "c")], { attempt: 2 });
    expect(seen).toEqual([orders("a", "b", "c"), [2, 2, 2]]);
    expect(messages).toMatchObject([
      { outcome: "returned", settlement: { do: "ack" }, error: undefined },
      { outcome: "invalid", settlement: { do: "dead-letter" } },
      { outcome: "gave-up", error: { message: "never" }, settlement: { do: "dead-letter", text: "never" } },
      { outcome: "retry-later", settlement: { do: "retry", delayMs: 5_000 } },
    ]);
  });

  it("that fails is halved until the one to blame is alone", async () => {
    const runs: string[] = [];
    const module = batched((all, { messages }) => {
      runs.push(all.map(({ id }) => id).join(""));
      if (all.some(({ id }) => id === "c")) throw new Error("no c");
      for (const message of messages) void message.publish("orders.done", message.id);
    });
    const { messages, published } = await runBatch(module, orders("a", "b", "c", "d"));
    expect(runs).toEqual(["abcd", "ab", "cd", "c", "d"]);
    expect(messages.map(({ outcome }) => outcome)).toEqual(["returned", "returned", "threw", "returned"]);
    expect(published.map(({ data }) => data)).toHaveLength(3);
  });

  it("that is late is halved too, and its signal aborts", async () => {
    const module = batched(
      (all, { signal }) =>
        all.length === 1 || new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true })),
    );
    const { messages } = await runBatch(module, orders("a", "b"), { timeout: "20ms" });
    expect(messages.map(({ outcome }) => outcome)).toEqual(["returned", "returned"]);
  });
});

describe("refused by name", () => {
  it("are batches of a handler that takes single messages, and the reverse", async () => {
    const single = { default: () => undefined, metadata: { subject: "a" } };
    await expect(runBatch(single, [1])).rejects.toThrow("run it with `runHandler`");
    await expect(
      runHandler(
        batched(() => {}),
        { id: "a" },
      ),
    ).rejects.toThrow("run it with `runBatch`");
  });

  it("are more messages than a batch has, and none", async () => {
    await expect(
      runBatch(
        batched(() => {}),
        orders(..."abcde"),
      ),
    ).rejects.toThrow("1 to 4 messages; received 5");
    await expect(
      runBatch(
        batched(() => {}),
        [],
      ),
    ).rejects.toThrow("received 0");
  });
});
