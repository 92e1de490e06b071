import { expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";

const where = { handler: "a", file: "handlers/a.ts", source: "" };

it.each(["_INBOX.>", "_INBOX_shop.x", "_HANDLERS.shop.status"])("no handler takes %s", (subject) => {
  const parsed = parseMetadata({ subject }, handlerDefaults, where);
  expect(parsed).toMatchObject({ ok: false, error: { message: expect.stringContaining("must not start with") } });
});

it("a list of subjects that a handler publishes to is bounded", () => {
  const publishes = Array.from({ length: 1_001 }, (_, at) => `orders.${at}`);
  const parsed = parseMetadata({ subject: "a.b", publishes }, handlerDefaults, where);
  expect(parsed).toMatchObject({ ok: false, error: { message: expect.stringContaining("at most 1000 subjects") } });
  expect(parseMetadata({ subject: "a.b", publishes: publishes.slice(1) }, handlerDefaults, where)).toMatchObject({
    ok: true,
  });
});
