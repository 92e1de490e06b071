import { describe, expect, it } from "vitest";
import { admissionVerdict } from "../../../runtime/bind/admission.ts";

const metadata = { retry: { attempts: 3, backoffMs: [1] }, expiresMs: 1_000 };

describe("a message that arrives", () => {
  it.each([1, 2, 3])("for attempt %i of 3 is run", (attempt) => {
    expect(admissionVerdict({ attempt, ageMs: 500 }, metadata)).toEqual({ do: "run" });
  });

  it("with its attempts used up is a dead letter", () => {
    const verdict = admissionVerdict({ attempt: 4, ageMs: 500 }, metadata);
    expect(verdict).toMatchObject({ do: "dead-letter", reason: "attempts-used" });
  });

  it("after it has expired is a dead letter, at its last millisecond it is run", () => {
    expect(admissionVerdict({ attempt: 1, ageMs: 1_000 }, metadata)).toEqual({ do: "run" });
    expect(admissionVerdict({ attempt: 1, ageMs: 1_001 }, metadata)).toMatchObject({
      do: "dead-letter",
      reason: "expired",
    });
  });

  it("of a handler without an age limit never expires", () => {
    const verdict = admissionVerdict({ attempt: 1, ageMs: 1e12 }, { ...metadata, expiresMs: 0 });
    expect(verdict).toEqual({ do: "run" });
  });
});
