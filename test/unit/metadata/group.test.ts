import { describe, expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";

const WHERE = { handler: "h", file: "handlers/h.ts" };
const DEFAULTS = { ...handlerDefaults, workers: 2, recycle: { messages: 5, ageMs: 0 } };
const parse = (more: object) => parseMetadata({ subject: "shop.new", ...more }, DEFAULTS, WHERE);

const refused = (more: object) => {
  const parsed = parse(more);
  return parsed.ok ? "" : parsed.error.message;
};

describe("group", () => {
  it("has one process that lives on, whatever the defaults say", () => {
    const one = { group: "orders", workers: 1, minWorkers: 1, idleMs: 0, recycle: { messages: 0, ageMs: 0 } };
    expect(parse({ group: "orders" })).toMatchObject({ ok: true, metadata: one });
    const beside = { idle: "never", minWorkers: 1, workers: 1, exclusive: false };
    expect(parse({ group: "orders", ...beside })).toMatchObject({ ok: true, metadata: one });
  });

  it("leaves memory and environment to each", () => {
    const own = { memory: "512MB", env: ["DATABASE_URL"] };
    expect(parse({ group: "a-b_C9", ...own })).toMatchObject({
      metadata: { group: "a-b_C9", memoryMiB: 512, env: ["DATABASE_URL"] },
    });
  });

  it("is nothing where nothing is said", () => {
    expect(parse({})).toMatchObject({ ok: true, metadata: { workers: 2, recycle: { messages: 5 } } });
    expect(parse({})).not.toHaveProperty("metadata.group");
  });

  it.each([
    [{ group: "" }, /group must be a name of 1 to 64 letters, .*; received ""/],
    [{ group: "a b" }, /group must be a name of 1 to 64 letters, .*; received "a b"/],
    [{ group: "a".repeat(65) }, /group must be a name of 1 to 64 letters/],
    [{ group: 7 }, /group must be a name of .*; received 7/],
    [{ group: "orders", workers: 2 }, /group is one process, and workers is 2/],
    [{ group: "orders", exclusive: true }, /group cannot be kept beside exclusive/],
    [{ group: "orders", canary: 10, kind: "request" }, /group cannot be kept beside canary/],
    [{ group: "orders", recycle: { messages: 10 } }, /group cannot be kept beside recycle/],
    [{ group: "orders", idle: "5m" }, /group cannot be kept beside idle/],
    [{ group: "orders", minWorkers: 0 }, /group cannot be kept beside minWorkers 0/],
  ])("%j is refused", (more, why) => {
    expect(refused(more)).toMatch(why);
  });
});
