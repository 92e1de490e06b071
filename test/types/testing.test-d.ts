// What must compile for authors who test, and what must not.

import { defineEvent, defineHandler } from "nats-handlers";
import { type BatchedMessage, readMessages, runBatch, runHandler } from "nats-handlers/testing";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

const counted = defineEvent(
  "todo.counted",
  z.object({ count: z.coerce.number<string>(), unit: z.string().default("item") }),
);
const metadata = { ...counted, kind: "request" } as const;
const counter = {
  metadata,
  default: defineHandler(metadata, async ({ count, unit }) => ({ text: `${count} ${unit}` })),
};
const anything = { metadata: { subject: "todo.>" }, default: defineHandler({ subject: "todo.>" }, () => undefined) };

test("a handler is given the schema's input, and its reply has the type of what it returns", async () => {
  const run = await runHandler(counter, { count: "3" });
  expectTypeOf(run.reply).toEqualTypeOf<{ text: string } | undefined>();
  await runHandler(counter, new Uint8Array([1]));
  // @ts-expect-error a number, where the schema's input is a string
  await runHandler(counter, { count: 3 });
  // @ts-expect-error no count
  await runHandler(counter, {});
});

test("a batch is an array of the schema's input", async () => {
  const batched = { ...counter, metadata: { ...counted, batch: { size: 10 } } as const };
  const run = await runBatch(batched, [{ count: "3" }, new Uint8Array([1])]);
  expectTypeOf(run.messages).toEqualTypeOf<readonly BatchedMessage[]>();
  // @ts-expect-error a number, where the schema's input is a string
  await runBatch(batched, [{ count: 3 }]);
  // @ts-expect-error no array
  await runBatch(batched, { count: "3" });
});

test("without a schema anything may come", async () => {
  await runHandler(anything, { whatever: 1 }, { subject: "todo.list" });
  await runHandler(anything, undefined, { subject: "todo.list" });
  // @ts-expect-error no such option
  await runHandler(anything, undefined, { topic: "todo.list" });
});

test("a message from a file fits every handler that takes its subject", async () => {
  for (const message of readMessages("messages")) await runHandler(counter, message.payload, message);
});
