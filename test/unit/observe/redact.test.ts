import { describe, expect, it } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import { redacted, redactedText } from "../../../runtime/observe/redact.ts";

describe("passwords", () => {
  it.each([
    ["cannot reach postgres://app:s3cret@db/shop", "cannot reach postgres://***@db/shop"],
    ["nats://token@a:4222,nats://u:p%40@b", "nats://***@a:4222,nats://***@b"],
    ["amqp://u:p@ss@host", "amqp://***@host"],
    ["see https://example.com/a@b or mail me@example.com", "see https://example.com/a@b or mail me@example.com"],
  ])("in URLs are hidden in %j", (text, shown) => {
    expect(redactedText(text)).toBe(shown);
  });

  it("are hidden in the fields of a log line, however deep, and the rest stays as it is", () => {
    const kept = { n: 1 };
    const fields = { kept, list: ["redis://:pw@cache", { url: "redis://:pw@cache" }] };
    const line: RuntimeEvent = {
      type: "handler.log",
      handler: "a",
      version: "1",
      level: "info",
      message: "connecting",
      fields,
      messageId: undefined,
      attempt: undefined,
    };
    const hidden = redacted(line);
    expect(hidden).toMatchObject({ fields: { list: ["redis://***@cache", { url: "redis://***@cache" }] } });
    expect((hidden as typeof line).fields?.kept).toBe(kept);
    expect(JSON.stringify(line)).toContain("pw");
  });

  it("are hidden in an error's message and stack, and the error stays one", () => {
    const error = new RuntimeError("HANDLER_THREW", "no postgres://u:pw@db", {
      handler: "a",
      place: { file: "handlers/a.ts", line: 3 },
      stack: "Error: no postgres://u:pw@db\n    at f (handlers/a.ts:3:1)",
    });
    const event = redacted({ type: "handler.failed", handler: "a", error, serving: undefined });
    expect(event).toMatchObject({ error: { code: "HANDLER_THREW", handler: "a", place: { line: 3 } } });
    const { message, stack } = (event as { error: RuntimeError }).error;
    expect(`${message}${stack}`).not.toContain("pw");
    expect(stack).toContain("at f (handlers/a.ts:3:1)");
  });

  it("are hidden in fields that are named as secrets, however they are written; other fields are not", () => {
    const secrets = {
      password: "a",
      DB_PASSWORD: "b",
      accessToken: "c",
      headers: { Authorization: "d", "x-api-key": "e" },
    };
    const others = { user: "f", tokens: 3, token: 4, passwordChangedAt: "g", secret: "" };
    const line: RuntimeEvent = {
      type: "handler.log",
      handler: "a",
      version: "1",
      level: "info",
      message: "login",
      fields: { ...secrets, ...others },
      messageId: undefined,
      attempt: undefined,
    };
    expect((redacted(line) as typeof line).fields).toEqual({
      ...{ password: "***", DB_PASSWORD: "***", accessToken: "***" },
      headers: { Authorization: "***", "x-api-key": "***" },
      ...others,
    });
  });

  it("leave an event without any as the same object", () => {
    const event: RuntimeEvent = { type: "handler.enabled", handler: "a" };
    expect(redacted(event)).toBe(event);
  });
});
