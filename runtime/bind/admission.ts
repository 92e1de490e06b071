// Whether a message that has arrived is still to be run. Pure.

import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

export interface Admission {
  readonly attempt: number;
  /** For how many milliseconds its stream has it. */
  readonly ageMs: number;
}

export type AdmissionVerdict =
  | { readonly do: "run" }
  /** Its attempts are used up: the host died on the last one. Or it is older than the handler wants messages to be. */
  | { readonly do: "dead-letter"; readonly reason: "attempts-used" | "expired"; readonly text: string };

const RUN: AdmissionVerdict = { do: "run" };

export function admissionVerdict(
  { attempt, ageMs }: Admission,
  { retry, expiresMs }: Pick<ResolvedMetadata, "retry" | "expiresMs">,
): AdmissionVerdict {
  if (attempt > retry.attempts) {
    const text = `all ${retry.attempts} attempts were used; the last one did not end: its host went down, or lost NATS`;
    return { do: "dead-letter", reason: "attempts-used", text };
  }
  if (expiresMs > 0 && ageMs > expiresMs) {
    const text = `it waited ${Math.round(ageMs)} ms and expired after ${expiresMs} ms`;
    return { do: "dead-letter", reason: "expired", text };
  }
  return RUN;
}
