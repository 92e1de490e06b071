import { expect, it } from "vitest";
import { SharedHolds } from "../../../runtime/bind/shared-holds.ts";
import type { HoldBoard } from "../../../runtime/message/hold.ts";

const PAUSED = { reason: "paused", text: "one", remedy: "resume it" } as const;

function board(): { readonly told: string[]; readonly holds: SharedHolds } {
  const told: string[] = [];
  const shown: HoldBoard = {
    begin: ({ reason, text }) => void told.push(`${reason}: ${text}`),
    end: (reason) => void told.push(`${reason} ended`),
  };
  return { told, holds: new SharedHolds(shown) };
}

it("what holds several places has ended when it has for the last of them", () => {
  const { told, holds } = board();
  const [one, other] = [holds.boardOf("t.a"), holds.boardOf("t.b")];
  one.begin(PAUSED);
  other.begin({ ...PAUSED, text: "other" });
  other.end("paused");
  expect(told).toEqual(["paused: one", "paused: other", "paused: one"]);
  one.end("paused");
  expect(told.at(-1)).toBe("paused ended");
});

it("a place that was not held ends nothing of another's", () => {
  const { told, holds } = board();
  holds.boardOf("t.a").begin(PAUSED);
  holds.boardOf("t.b").end("paused");
  holds.boardOf("t.a").end("stalled");
  expect(told).toEqual(["paused: one"]);
});
