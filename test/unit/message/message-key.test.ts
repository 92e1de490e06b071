import { describe, expect, it } from "vitest";
import { encodeHeaders } from "../../../runtime/message/header-block.ts";
import { keyReader } from "../../../runtime/message/message-key.ts";
import type { MessageKey } from "../../../runtime/metadata/handler-metadata.ts";

interface Sent {
  readonly subject?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly data?: string;
}

function keyIn(
  key: MessageKey,
  { subject = "a", headers, data = "" }: Sent,
  envelope: "none" | "nest" = "none",
): string {
  const subjects = ["orders.*.new", "mail.*", "all.>"];
  return keyReader(key, { subjects, envelope })({
    subject,
    headers: headers && encodeHeaders(headers),
    data: Buffer.from(data),
  });
}

describe("the key of a message", () => {
  it.each([
    [{ wildcard: 0 }, { subject: "orders.acme.new" }, "acme"],
    [{ wildcard: 0 }, { subject: "mail.bob" }, "bob"],
    [{ wildcard: 0 }, { subject: "all.that.comes" }, "that.comes"],
    [
      { header: "Tenant" },
      {
        headers: [
          ["tenant", "acme"],
          ["Tenant", "other"],
        ] as const,
      },
      "acme",
    ],
    [{ field: "tenant" }, { data: '{"tenant":"acme"}' }, "acme"],
    [{ field: "tenant.id" }, { data: '{"tenant":{"id":7}}' }, "7"],
    [{ field: "isNew" }, { data: '{"isNew":false}' }, "false"],
    [{ field: "0.id" }, { data: '[{"id":"x"}]' }, "x"],
  ] as const)("%j of %j is %j", (key, sent, expected) => {
    expect(keyIn(key, sent)).toBe(expected);
  });

  it("of a packet of NestJS is a field of its data", () => {
    expect(keyIn({ field: "id" }, { data: '{"pattern":"p","data":{"id":"x"},"id":"y"}' }, "nest")).toBe("x");
  });

  it.each([
    [{ wildcard: 1 }, { subject: "mail.bob" }],
    [{ header: "tenant" }, {}],
    [{ header: "tenant" }, { headers: [["other", "acme"]] as const }],
    [{ field: "id" }, { data: "no JSON" }],
    [{ field: "id" }, { data: "" }],
    [{ field: "id" }, { data: "null" }],
    [{ field: "id" }, { data: '{"id":null}' }],
    [{ field: "id" }, { data: '{"id":{}}' }],
    [{ field: "id.of" }, { data: '{"id":"text"}' }],
    [{ field: "constructor.name" }, { data: "{}" }],
    [{ field: "length" }, { data: '"text"' }],
  ] as const)("M2: %j of %j is the empty one", (key, sent) => {
    expect(keyIn(key, sent)).toBe("");
  });
});
