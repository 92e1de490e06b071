import { describe, expect, it } from "vitest";
import { logLineText } from "../../../runtime/cli/log-line.ts";
import { plain } from "../../../runtime/terminal/paint.ts";

const view = { nameWidth: 6, paint: plain, columns: 80 };
const line = { replica: "a1b2c3d4", timeMs: new Date(2030, 0, 1, 9, 5, 7).getTime(), level: "info", text: "got it" };

describe("a line of the log", () => {
  it("has its time, its replica, its handler and the author's own fields", () => {
    const fields = { event: "handler.log", version: "x", messageId: "m", attempt: 1, order: 7, fields: { event: 8 } };
    expect(logLineText({ ...line, handler: "save", fields }, view)).toBe(
      '09:05:07 a1b2 save   │ got it {"order":7,"event":8}',
    );
  });

  it("of an error brings its code, place and frame", () => {
    const fields = { event: "delivery.failed", code: "HANDLER_THREW", place: "a.ts:3:4", frame: "> 3 | oops", id: 1 };
    expect(logLineText({ ...line, level: "error", fields }, view)).toBe(
      "09:05:07 a1b2        │ HANDLER_THREW: got it\n    a.ts:3:4\n    > 3 | oops",
    );
  });
});
