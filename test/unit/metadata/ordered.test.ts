import { expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";

const ORDERED = { subject: "a", kind: "durable", orderBy: { $function: true } };
const WHERE = { handler: "h", file: "handlers/h.ts" };

it("an ordered handler has one worker: several are refused, and a default of several gives way", () => {
  const refused = parseMetadata({ ...ORDERED, workers: 2 }, handlerDefaults, WHERE);
  expect(refused.ok ? "" : refused.error.message).toContain("metadata.orderBy cannot be kept by 2 workers");
  const parsed = parseMetadata(ORDERED, { ...handlerDefaults, workers: 3 }, WHERE);
  expect(parsed).toMatchObject({ ok: true, metadata: { ordered: true, workers: 1 } });
});
