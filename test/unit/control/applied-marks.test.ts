import { describe, expect, it } from "vitest";
import { AppliedMarks } from "../../../runtime/control/applied-marks.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const mark = (name: string, revision: number, bucket = "b") => ({ bucket, name, revision });

describe("applied marks", () => {
  it("are asked for handler by handler: one that is done says nothing of another", async () => {
    const marks = new AppliedMarks(fakeClock());
    marks.add(mark("list", 9));
    expect(await marks.missing([mark("save", 3), mark("list", 4)], 0)).toEqual(["save"]);
  });

  it("answer as soon as the last one is applied", async () => {
    const clock = fakeClock();
    const marks = new AppliedMarks(clock);
    const answer = marks.missing([mark("save", 3), mark("list", 4)], 10_000);
    marks.add(mark("list", 4));
    marks.add(mark("save", 3));
    expect(await answer).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("answer with those missing when the time is over", async () => {
    const clock = fakeClock();
    const answer = new AppliedMarks(clock).missing([mark("save", 3)], 10_000);
    clock.advance(10_000);
    expect(await answer).toEqual(["save"]);
  });

  it("of another bucket do not count, whatever their revision", async () => {
    const marks = new AppliedMarks(fakeClock());
    marks.add(mark("save", 9, "old"));
    expect(await marks.missing([mark("save", 1, "new")], 0)).toEqual(["save"]);
    marks.add(mark("save", 1, "new"));
    expect(await marks.missing([mark("save", 1, "new")], 0)).toEqual([]);
  });
});
