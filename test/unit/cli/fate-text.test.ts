import { expect, it } from "vitest";
import { fateText, fateTexts } from "../../../runtime/cli/fate-text.ts";

const DURABLE = { kind: "durable", stream: "S", waiting: 7, removedAfterMs: undefined } as const;

it("messages wait where a durable keeps their place", () => {
  expect(fateText({ ...DURABLE, keepsOnlyWhatIsWaitedFor: true })).toBe(
    "its messages wait in the stream until it is enabled: 7 so far",
  );
});

it("what would remove the durable is told, with what it costs on this stream", () => {
  const passing = { ...DURABLE, removedAfterMs: 90_000 };
  expect(fateText({ ...passing, keepsOnlyWhatIsWaitedFor: true })).toMatch(/no replica running .* what waits is lost/);
  expect(fateText({ ...passing, keepsOnlyWhatIsWaitedFor: false })).toMatch(/all that is stored runs again then$/);
});

it("without a durable it depends on the stream whether anything waits", () => {
  const none = { kind: "no-durable", stream: "S" } as const;
  expect(fateText({ ...none, keepsOnlyWhatIsWaitedFor: true })).toMatch(/what is published now is lost to it$/);
  expect(fateText({ ...none, keepsOnlyWhatIsWaitedFor: false })).toMatch(/starts with all that is stored there$/);
});

it("nothing waits where there is no stream, and nothing is promised where nothing is known", () => {
  expect(fateText({ kind: "no-stream", subject: "a.b" })).toMatch(/^no stream takes "a\.b": .* is lost to it/);
  expect(fateText({ kind: "unknown" })).toMatch(/as far as the stream keeps them: how many is not known$/);
});

it("what waits for several subjects is one number, and what is so for one of them only is told beside it", () => {
  const kept = { ...DURABLE, keepsOnlyWhatIsWaitedFor: false };
  expect(fateTexts([kept, { ...kept, waiting: 5 }, { kind: "no-stream", subject: "a.b" }])).toEqual([
    "its messages wait in the stream until it is enabled: 12 so far",
    'no stream takes "a.b": what is published there is lost to it until one does',
  ]);
  expect(fateTexts([])).toEqual([fateText({ kind: "unknown" })]);
});
