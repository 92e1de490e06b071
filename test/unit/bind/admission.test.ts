import { describe, expect, it } from "vitest";
import { admissionVerdict } from "../../../runtime/bind/admission.ts";

const metadata = { retry: { attempts: 3, backoffMs: [1] }, expiresMs: 1_000 };

describe("a message that arrives", () => {
  it.each([1, 2, 3])("for attempt %i of 3 is run", (attempt) => {
    expect(admissionVerdict({ attempt, storedAtMs: 5_000 }, metadata, 5_500)).toEqual({ do: "run" });
  });

  it("with its attempts used up is a dead letter", () => {
    const verdict = admissionVerdict({ attempt: 4, storedAtMs: 5_000 }, metadata, 5_500);
    expect(verdict).toMatchObject({ do: "dead-letter", reason: "attempts-used" });
  });

  it("after it has expired is a dead letter, at its last millisecond it is run", () => {
    const arrival = { attempt: 1, storedAtMs: 5_000 };
    expect(admissionVerdict(arrival, metadata, 6_000)).toEqual({ do: "run" });
    expect(admissionVerdict(arrival, metadata, 6_001)).toMatchObject({ do: "dead-letter", reason: "expired" });
  });

  it("of a handler without an age limit never expires", () => {
    const verdict = admissionVerdict({ attempt: 1, storedAtMs: 0 }, { ...metadata, expiresMs: 0 }, 1e12);
    expect(verdict).toEqual({ do: "run" });
  });
});
