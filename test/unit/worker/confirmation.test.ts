// A delivery and the publishes it has begun: when it has failed, and with what.

import { expect, it } from "vitest";
import { Confirmation, Publishes } from "../../../runtime/worker/confirmation.ts";

function begin(publishes: Publishes): Confirmation {
  publishes.begun();
  return new Confirmation(publishes);
}

it("a failure nobody looks at is known at once, while other publishes are on their way", async () => {
  const publishes = new Publishes();
  const slow = begin(publishes);
  const failing = begin(publishes);
  const settled = publishes.settled();
  failing.refused(new Error("no room"));
  await expect(settled).rejects.toThrow("no room");
  slow.answered();
});

it("several failures are told as the first one and how many there were besides", async () => {
  const publishes = new Publishes();
  const all = [begin(publishes), begin(publishes), begin(publishes)];
  all[1]!.refused(Object.assign(new Error("no room"), { code: 413 }));
  all[0]!.refused(new Error("not connected"));
  all[2]!.refused(new Error("not connected"));
  await expect(publishes.settled()).rejects.toMatchObject({
    message: expect.stringMatching(/^no room .*2 more/),
    code: 413,
  });
});

it("a failure the author looks at is the author's: the delivery ends when all its publishes have", async () => {
  const publishes = new Publishes();
  const slow = begin(publishes);
  const watched = begin(publishes);
  const seen = watched.catch((error: Error) => error.message);
  const settled = publishes.settled();
  watched.refused(new Error("no room"));
  expect(await seen).toBe("no room");
  expect(publishes.areSettled).toBe(false);
  slow.answered();
  await settled;
});
