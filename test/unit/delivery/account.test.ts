// The delivery suite's account: what is lost must not pass for handled, nor a letter that lies for one that does not.

import { expect, it } from "vitest";
import { accountOf, type Books, type Letter, ownReason } from "../../delivery/account.ts";
import type { Message } from "../../delivery/message.ts";

const ends = (id: number): Message => ({ id, does: "ends" });
const throws = (id: number): Message => ({ id, does: "throws" });
const run = (id: number, by = "count") => ({ id, by, version: "one" });
const letter = (id: number, reason = "threw", text = `bad ${id}`): Letter => ({ id, by: "count", reason, text });

function account(books: Partial<Books>) {
  return accountOf({
    sent: [],
    runs: [],
    letters: [],
    takers: () => ["count"],
    excused: new Set(),
    rightLetter: ownReason,
    ...books,
  });
}

it("a message that was handled, or is a letter with its own reason, is accounted for", () => {
  const books = { sent: [ends(1), throws(2)], runs: [run(1)], letters: [letter(2)] };
  expect(account(books)).toEqual({
    published: 2,
    handled: 1,
    twice: 0,
    letters: 1,
    lost: [],
    taken: 0,
    wrong: [],
  });
});

it("one that is neither is lost, and one that was handled twice is counted", () => {
  expect(account({ sent: [ends(1), ends(2)], runs: [run(2), run(2)] })).toMatchObject({ lost: ["1 count"], twice: 1 });
});

it("it is lost for each who takes it and has not handled it", () => {
  const books = { sent: [ends(1)], runs: [run(1, "shop")], takers: () => ["shop", "store"] };
  expect(account(books)).toMatchObject({ handled: 0, lost: ["1 store"] });
});

it("what the change took away is counted, not missed", () => {
  const books = { sent: [ends(1), ends(2)], runs: [run(1)], excused: new Set([1, 2]) };
  expect(account(books)).toMatchObject({ lost: [], taken: 1 });
});

it("a letter of a message that could be handled is wrong, and so is one that does not say how it failed", () => {
  const letters = [letter(1, "attempts-used", "its host went down"), letter(2, "attempts-used", "its host went down")];
  const { wrong } = account({ sent: [ends(1), throws(2)], runs: [], letters });
  expect(wrong).toEqual(["1 count: attempts-used: its host went down", "2 count: attempts-used: its host went down"]);
});

it("a letter of a message that was never published is wrong", () => {
  expect(account({ letters: [letter(9)] }).wrong).toHaveLength(1);
});
