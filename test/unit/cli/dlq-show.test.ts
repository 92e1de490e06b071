import { expect, it } from "vitest";
import { payloadText } from "../../../runtime/cli/commands/dlq-show.ts";
import { visible } from "../../../runtime/terminal/visible.ts";

it("a payload is shown as JSON, as text, or as numbers", () => {
  const show = (data: string | number[]) => payloadText(Buffer.from(data as string));
  expect(show('{"id":1}')).toBe('{\n  "id": 1\n}');
  expect(show("plain text")).toBe("plain text");
  expect(show("")).toBe("(empty)");
  expect(show([0xff, 0xfe, 0x00])).toBe("fffe00");
});

it("what came from anywhere cannot give orders to the terminal", () => {
  expect(visible("a\x1b[2Jb\r\n\tc\x9b")).toBe("a\\x1b[2Jb\\x0d\n\tc\\x9b");
  expect(payloadText(Buffer.from("x\x07"))).toBe("x\\x07");
});
