// What `publish` and `request` may be told, and what is refused.
import { describe, expect, it } from "vitest";
import {
  checkOptions,
  type PublishOptions,
  REQUEST_OPTIONS,
  readEnvelope,
  readPublishOptions,
} from "../../../runtime/worker/call-options.ts";

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const laterOf = (options: PublishOptions, nowMs: number) => readPublishOptions(options, nowMs).later;

function thrown(act: () => unknown): { readonly code: unknown; readonly message: string } {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return { code: (error as { code?: unknown }).code, message: (error as Error).message };
  }
  throw new Error("nothing was thrown");
}

describe("an option that there is not", () => {
  it("is refused with those there are, and the one that was meant", () => {
    expect(thrown(() => readPublishOptions({ dealy: "1s" } as never, NOW))).toEqual({
      code: "UNKNOWN_OPTION",
      message:
        'ctx.publish has no option "dealy". Did you mean "delay"? It has: headers, timeout, envelope, delay, at, ttl',
    });
    expect(thrown(() => checkOptions({ delay: "1s" }, REQUEST_OPTIONS, "request"))).toMatchObject({
      code: "UNKNOWN_OPTION",
      message: expect.stringContaining("It has: headers, timeout, envelope, payload"),
    });
  });

  it("is none of those there are", () => {
    expect(() => readPublishOptions({ headers: {}, timeout: "1s", delay: "1s" }, NOW)).not.toThrow();
    expect(() =>
      checkOptions({ headers: {}, timeout: "1s", payload: "json" }, REQUEST_OPTIONS, "request"),
    ).not.toThrow();
  });

  it.each([null, "1s", 5])("is not looked for in %j, which is refused", (options) => {
    const act = () => readPublishOptions(options as never, NOW);
    expect(thrown(act)).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("must be an object"),
    });
  });
});

describe("the envelope", () => {
  it("is none unless it is asked for", () => {
    expect([readEnvelope({}), readEnvelope({ envelope: "none", payload: "bytes" })]).toEqual(["none", "none"]);
    expect(readEnvelope({ envelope: "nest", payload: "json" })).toBe("nest");
  });

  it.each<[object, string]>([
    [{ envelope: "nst" }, 'envelope must be "none" or "nest", but is "nst"'],
    [{ envelope: "nest", payload: "bytes" }, 'envelope cannot be "nest" beside `payload`'],
  ])("%j is refused", (options, why) => {
    expect(thrown(() => readEnvelope(options as never))).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(why),
    });
  });
});

describe("delay and at", () => {
  it("say when, at once without them or without a delay", () => {
    expect(laterOf({}, NOW)).toBeUndefined();
    expect(laterOf({ delay: "0s" }, NOW)).toBeUndefined();
    expect(laterOf({ delay: "1.5h" }, NOW)).toEqual({ kind: "delay", delayMs: 5_400_000 });
    expect(laterOf({ at: new Date(NOW + 5) }, NOW)).toEqual({ kind: "at", atMs: NOW + 5 });
    expect(laterOf({ at: new Date(-5) }, NOW)).toEqual({ kind: "at", atMs: 0 });
    expect(laterOf({ delay: "366d" }, NOW)).toMatchObject({ delayMs: 366 * DAY });
  });

  it.each<[object, string]>([
    [{ delay: "1s", at: new Date(NOW) }, "exclude each other"],
    [{ delay: "soon" }, 'delay "soon" is not a duration such as "10m"'],
    [{ delay: "-5m" }, "is not a duration"],
    [{ delay: 5_000 }, "delay 5000 is not a duration"],
    [{ delay: "367d" }, "more than 366 days ahead"],
    [{ at: new Date(NOW + 367 * DAY) }, "more than 366 days ahead"],
    [{ at: new Date("never") }, "is not a Date that stands for a time"],
    [{ at: NOW }, "is not a Date"],
    [{ at: "2030-01-01" }, "is not a Date"],
  ])("%j is refused", (options, why) => {
    expect(thrown(() => laterOf(options as PublishOptions, NOW))).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(why),
    });
  });
});

describe("ttl", () => {
  const ttlOf = (options: PublishOptions) => readPublishOptions(options, NOW).ttl;

  it("is in whole seconds, rounded up, and not there unless it is said", () => {
    expect(ttlOf({})).toBeUndefined();
    expect(["1s", "1.2s", "10m", "366d"].map((ttl) => ttlOf({ ttl }))).toEqual(["1s", "2s", "600s", "31622400s"]);
    expect(readPublishOptions({ ttl: "1s" }, NOW).later).toBeUndefined();
  });

  it.each<[object, string]>([
    [{ ttl: "soon" }, 'ttl "soon" is not a duration such as "10m"'],
    [{ ttl: 60 }, "ttl 60 is not a duration"],
    [{ ttl: "999ms" }, 'ttl "999ms" is less than "1s"'],
    [{ ttl: "1m", delay: "1s" }, "cannot be beside `delay` or `at`"],
    [{ ttl: "1m", at: new Date(NOW) }, "cannot be beside `delay` or `at`"],
  ])("%j is refused", (options, why) => {
    expect(thrown(() => ttlOf(options as PublishOptions))).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(why),
    });
  });
});
