import { describe, expect, it } from "vitest";
import { Canary } from "../../../runtime/deliver/canary.ts";
import type { SettleRule } from "../../../runtime/deliver/settle.ts";
import { Trial } from "../../../runtime/deliver/trial.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import type { OutcomeKind } from "../../../runtime/message/outcome.ts";
import { RETURNED } from "../../../runtime/message/outcome.ts";
import type { Settlement } from "../../../runtime/message/settlement.ts";

const delivery = { seq: 8, attempt: 1 } as Delivery;
const letter = (reason: OutcomeKind): Settlement => ({ do: "dead-letter", reason, text: "no" });

function trialOf(kind: SettleRule["kind"] = "durable") {
  const canary = new Canary("v2", { percent: 50, messages: 10, tolerance: 5 }, () => undefined);
  const rule: SettleRule = {
    ...{ kind, envelope: "none", attempts: 1, backoffMs: [] },
    ...{ streamsReply: false, version: "v2" },
  };
  return { canary, trial: new Trial(canary, rule) };
}

describe("what a tried version has failed for good", () => {
  it.each(["threw", "invalid", "gave-up", "timed-out", "crashed"] as const)(
    "comes again for the version before, uncharged: %s (V1)",
    (reason) => {
      const { canary, trial } = trialOf();
      const others = Array.from({ length: 100 }, (_, seq) => canary.takes({ seq, attempt: 1 }));
      const seq = others.indexOf(true);
      expect(trial.mended({ ...delivery, seq }, letter(reason))).toEqual({ do: "give-back" });
      expect(canary.takes({ seq, attempt: 1 })).toBe(false);
      expect(others.map((_, at) => canary.takes({ seq: at, attempt: 1 }))).toEqual(
        others.map((taken, at) => taken && at !== seq),
      );
    },
  );

  it("is a dead letter where an operator ended it; what is to be retried is", () => {
    const { trial } = trialOf();
    expect(trial.mended(delivery, letter("cancelled"))).toEqual(letter("cancelled"));
    expect(trial.mended(delivery, { do: "retry", delayMs: 5 })).toEqual({ do: "retry", delayMs: 5 });
  });

  it("is answered, where it is a request", () => {
    const answered: Settlement = { do: "reply-error", code: 500, text: "no", body: "" };
    expect(trialOf("request").trial.mended(delivery, answered)).toBe(answered);
  });
});

it("what a version had begun when it was taken back is its own, and counts no more (V2)", () => {
  const { canary, trial } = trialOf();
  expect([trial.count(delivery, RETURNED, "v2"), trial.count(delivery, RETURNED, undefined)]).toEqual([true, false]);
  trial.end();
  expect([trial.count(delivery, RETURNED, "v2"), trial.count(delivery, RETURNED, "v1")]).toEqual([true, false]);
  expect(canary.figures).toMatchObject({ own: { handled: 1 }, before: { handled: 1 } });
});
