import { describe, expect, it } from "vitest";
import { callersMessageOf, callIdOf, messageIdOf } from "../../../runtime/message/message-id.ts";
import { originOf } from "../../../runtime/message/origin.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function origin(headers: readonly (readonly [string, string])[], isStored = false): string {
  return originOf({ app: "shop", subject: "a.b", headers, id: "own", isStored });
}

describe("what a message is called", () => {
  it("O1: is the call that published it, by its header or by the id under which a stream has it", () => {
    const call = callIdOf("todo/save", "TODO:7:1700", 2, "a.b");
    expect(origin([["handlers-cause", call]])).toBe(call);
    expect(origin([["Nats-Msg-Id", `shop:${call}`]], true)).toBe(call);
    const both = [
      ["Nats-Msg-Id", "x"],
      ["Handlers-Cause", call],
    ] as const;
    expect(origin(both)).toBe(call);
  });

  it("O2: is its publisher's id with the subject, as other streams may have that id too", () => {
    expect(origin([["Nats-Msg-Id", "order-1"]], true)).toBe("order-1 a.b");
  });

  it("O2: without an id is its place in the stream, or its trace context where no stream has it", () => {
    expect(origin([["traceparent", PARENT]], true)).toBe("own");
    expect(origin([["traceparent", PARENT]])).toBe(`${PARENT} a.b`);
    expect(origin([["traceparent", "nonsense"]])).toBe("own");
    expect(origin([["Handlers-Cause", ""]])).toBe("own");
  });

  it("leads back to the message during which the call was made", () => {
    for (const id of [messageIdOf("TODO:", 7, 1_700), messageIdOf("core:i1:", 12, undefined)])
      expect(callersMessageOf(callIdOf("a/b:c", id, 13, "x.y:z"), "a/b:c", "x.y:z")).toBe(id);
  });
});
