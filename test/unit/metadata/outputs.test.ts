import { expect, test } from "vitest";
import { whyNotDeferred } from "../../../runtime/metadata/deferral.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";
import { DEFAULTS } from "../../support/handler-defaults.ts";

const atomic = { subject: "a", kind: "durable", outputs: "atomic" };
const parsed = (raw: object) => parseMetadata(raw, DEFAULTS, { handler: "h", file: "h.ts" });

test("outputs are stored each by itself, unless it says otherwise", () => {
  expect(parsed({ subject: "a" })).toMatchObject({ ok: true, metadata: { outputs: "each" } });
  expect(parsed(atomic)).toMatchObject({ ok: true, metadata: { outputs: "atomic" } });
});

test.each([
  [{ kind: "event" }, 'metadata.outputs can be "atomic" for handlers of kind "durable" only; this one is "event"'],
  [{ kind: "request" }, 'this one is "request"'],
  [{ batch: { size: 10 } }, 'metadata.outputs cannot be "atomic" beside batch'],
  [{ replicas: "each" }, 'metadata.outputs cannot be "atomic" beside replicas "each"'],
  [{ domain: "hub" }, 'metadata.outputs cannot be "atomic" beside domain'],
  [{ outputs: "all" }, "metadata.outputs"],
])("refuses %j beside it", (more, why) => {
  const read = parsed({ ...atomic, ...more });
  expect(read.ok ? "" : read.error.message).toContain(why);
});

test("what is settled later would store nothing of what it publishes then", () => {
  const read = parsed(atomic);
  expect(read.ok && whyNotDeferred(read.metadata)).toContain("when its function has returned");
});
