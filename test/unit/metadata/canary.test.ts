import { describe, expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";

const WHERE = { handler: "h", file: "handlers/h.ts" };
const parse = (more: object) =>
  parseMetadata({ subject: "shop.new", kind: "durable", ...more }, { ...handlerDefaults, workers: 2 }, WHERE);

const refused = (more: object) => {
  const parsed = parse(more);
  return parsed.ok ? "" : parsed.error.message;
};

describe("canary", () => {
  it("is a share in per cent, with one worker whatever the defaults say", () => {
    const rule = { percent: 10, messages: 100, tolerance: 5 };
    expect(parse({ canary: 10 })).toMatchObject({ ok: true, metadata: { canary: rule, workers: 1 } });
    expect(parse({ canary: { percent: 10 }, kind: "request" })).toMatchObject({ ok: true, metadata: { canary: rule } });
    expect(parse({ canary: { percent: 50, messages: 7, tolerance: 0 } })).toMatchObject({
      metadata: { canary: { percent: 50, messages: 7, tolerance: 0 } },
    });
  });

  it("is nothing where nothing is said", () => {
    expect(parse({})).toMatchObject({ ok: true, metadata: { workers: 2 } });
    expect(parse({})).not.toHaveProperty("metadata.canary");
  });

  it.each([
    [{ canary: 0 }, /canary must be a whole number from 1 to 50; received 0/],
    [{ canary: 51 }, /canary must be a whole number from 1 to 50; received 51/],
    [{ canary: "10%" }, /canary must be .*10, or \{ percent: 10, messages: 100, tolerance: 5 \}; received "10%"/],
    [{ canary: {} }, /canary\.percent is missing/],
    [{ canary: { percent: 10, message: 5 } }, /canary\.message is not an option\. Did you mean "?messages/],
    [{ canary: { percent: 10, tolerance: 101 } }, /canary\.tolerance must be a whole number from 0 to 100/],
    [{ canary: 10, kind: "event" }, /canary is for handlers of kind "request" or "durable"/],
    [{ canary: 10, exclusive: true }, /canary cannot be kept beside exclusive/],
    [{ canary: 10, concurrency: "one" }, /canary cannot be kept beside concurrency "one"/],
    [{ canary: 10, subject: "shop.*", orderBy: { wildcard: 0 } }, /canary cannot be kept beside orderBy/],
    [{ canary: 10, orderBy: { $function: true } }, /canary cannot be kept beside orderBy/],
    [{ canary: 10, batch: { size: 5 } }, /canary cannot be kept beside batch/],
    [{ canary: 10, workers: 2 }, /canary compares one worker of each version, and workers is 2/],
  ])("%j is refused", (more, why) => {
    expect(refused(more)).toMatch(why);
  });
});
