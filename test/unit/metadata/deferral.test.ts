import { expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { whyNotDeferred } from "../../../runtime/metadata/deferral.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";
import { describeMetadata } from "../../../runtime/worker/describe-metadata.ts";

function whyNot(more: object): string | undefined {
  const raw = describeMetadata({ subject: "shop.*", kind: "durable", ...more });
  const parsed = parseMetadata(raw, handlerDefaults, { handler: "h", file: "handlers/h.ts" });
  if (!parsed.ok) throw parsed.error;
  return whyNotDeferred(parsed.metadata);
}

it("a durable handler can settle its messages later", () => {
  expect(whyNot({})).toBeUndefined();
  expect(whyNot({ concurrency: 1 })).toBeUndefined();
  expect(whyNot({ rate: "10/s" })).toBeUndefined();
});

it.each([
  [{ kind: "event" }, /is of kind "event"/],
  [{ kind: "request" }, /is of kind "request"/],
  [{ batch: { size: 10 } }, /takes batches/],
  [{ orderBy: () => "a" }, /has an order/],
  [{ orderBy: { wildcard: 0 } }, /has an order/],
  [{ concurrency: "one" }, /one message at a time/],
] as const)("%j cannot", (more, why) => {
  expect(whyNot(more)).toMatch(why);
});
