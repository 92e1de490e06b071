// Letters as the page finds them, and what is done to many of them.

import { describe, expect, it } from "vitest";
import type { Desk } from "../../../runtime/page/desk.ts";
import { Operations } from "../../../runtime/page/operations.ts";
import { lettersMeant, listLetters, showLetter } from "../../../runtime/page/read-letters.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { fakeBox, letter } from "./fake-letters.ts";

const LETTERS = [
  letter(1),
  letter(2, { handler: "b", reason: "invalid", message: "too small", place: undefined }),
  letter(3, { subject: "s.special" }),
];

function deskWith(more: Partial<Desk> = {}): Desk {
  return { clock: fakeClock(), letters: fakeBox(LETTERS), showsPayloads: true, tell: () => undefined, ...more } as Desk;
}

describe("a filter", () => {
  const found = async (filter: object) => (await listLetters(deskWith(), filter)).letters.map(({ id }) => id);

  it("means handler, reason and group together, newest first", async () => {
    expect(await found({})).toEqual([3, 2, 1]);
    expect(await found({ handler: "a" })).toEqual([3, 1]);
    expect(await found({ handler: "a", reason: "invalid" })).toEqual([]);
    const { groups } = await listLetters(deskWith(), {});
    expect(groups.map(({ count }) => count)).toEqual([2, 1]);
    expect(await found({ group: groups[0]?.key })).toEqual([3, 1]);
  });

  it("finds words in error, subject and payload, and says through how many payloads it looked", async () => {
    expect(await found({ words: "TOO SMALL" })).toEqual([2]);
    expect(await found({ words: "s.special" })).toEqual([3]);
    expect(await found({ words: "payload of 2" })).toEqual([2]);
    expect((await listLetters(deskWith(), { words: "payload of 2" })).searched).toEqual({ payloads: 3, of: 3 });
  });

  it("finds nothing by what is hidden: secrets, and payloads that are not shown", async () => {
    for (const words of ["geheim", "hidden key"]) expect(await found({ words })).toEqual([]);
    expect((await listLetters(deskWith({ showsPayloads: false }), { words: "payload" })).total).toBe(0);
  });

  it("up to a letter that was seen does not mean those that came later", async () => {
    expect(await lettersMeant(deskWith(), { upTo: 2 })).toEqual([2, 1]);
  });
});

it("a letter is shown with its secrets hidden", async () => {
  const shown = await showLetter(deskWith(), 1);
  expect(shown?.payload.text).toContain('"password": "***"');
  expect(shown?.headers).toEqual([["x-api-key", "***"]]);
  expect(await showLetter(deskWith(), 9)).toBeUndefined();
});

describe("an operation", () => {
  it("tells how far it is, and what has come of it", async () => {
    const removed: number[] = [];
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    const desk = deskWith({ letters: fakeBox(LETTERS, removed), tell: resolve });
    const seen: string[] = [];
    const operations = new Operations(desk, () =>
      seen.push(operations.views.map(({ state, done }) => `${state} ${done}`).join()),
    );
    expect(operations.begin({ verb: "drop", what: "3 letters", ids: [1, 2, 3] })).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{8}$/),
      total: 3,
      state: "running",
    });
    expect(await ended).toBe("drop 3 letters: done, 3 of 3");
    expect(removed).toEqual([1, 2, 3]);
    expect(seen).toEqual(["running 0", "running 3", "done 3"]);
  });

  it("can be stopped: what is under way is finished, the rest stays", async () => {
    const removed: number[] = [];
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    const ids = Array.from({ length: 100 }, (_, at) => at + 1);
    const operations = new Operations(deskWith({ letters: fakeBox([], removed), tell: resolve }), () => undefined);
    const { id } = operations.begin({ verb: "drop", what: "all letters", ids });
    expect(operations.stop(id)).toBe(true);
    expect(await ended).toBe("drop all letters: stopped, 16 of 100");
    expect(removed.length).toBe(16);
    expect(operations.stop(id)).toBe(false);
  });

  it("that fails says why", async () => {
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    const box = { ...fakeBox([]), remove: () => Promise.reject(new Error("no right")) };
    const operations = new Operations(deskWith({ letters: box as never, tell: resolve }), () => undefined);
    operations.begin({ verb: "drop", what: "letter 1", ids: [1] });
    expect(await ended).toBe("drop letter 1: failed, 0 of 1: no right");
    expect(operations.views).toMatchObject([{ state: "failed", problem: "no right" }]);
  });
});
