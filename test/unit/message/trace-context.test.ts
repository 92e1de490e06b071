import { describe, expect, it } from "vitest";
import { encodeHeaders } from "../../../runtime/message/header-block.ts";
import { traceIdIn, traceIdOf } from "../../../runtime/message/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

describe("the trace of a message", () => {
  it.each([
    ["of the version there is", `00-${TRACE}-${PARENT}-01`],
    ["of a later version, which may say more", `01-${TRACE}-${PARENT}-01-more`],
  ])("is known by a traceparent %s", (_, traceparent) => {
    expect(traceIdOf(traceparent)).toBe(TRACE);
  });

  it.each([
    ["nothing", undefined],
    ["half of one", `00-${TRACE}`],
    ["a version that cannot be", `ff-${TRACE}-${PARENT}-01`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["a parent of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["capitals", `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ["something behind it", `00-${TRACE}-${PARENT}-01x`],
  ])("is not known by %s", (_, traceparent) => {
    expect(traceIdOf(traceparent)).toBeUndefined();
  });

  it("is found among the headers, whatever the case of its name", () => {
    const headers = [
      ["X-Other", "1"],
      ["TraceParent", `00-${TRACE}-${PARENT}-01`],
    ] as const;
    expect(traceIdIn(encodeHeaders(headers))).toBe(TRACE);
    expect(traceIdIn(encodeHeaders([["X-Other", "1"]]))).toBeUndefined();
    expect(traceIdIn(undefined)).toBeUndefined();
  });
});
