// Two `request` handlers on overlapping subjects would each answer some requests at random. The first one keeps its
// subject; the second is refused, and tries again when the subject is free.

import { RuntimeError } from "../errors.ts";
import { overlaps } from "../metadata/subject.ts";

interface Claim {
  readonly subject: string;
  readonly file: string;
}

export class SubjectClaims {
  private readonly claims = new Map<string, Claim>();
  private readonly refused = new Set<string>();
  private readonly onFreed: (handler: string) => void;

  constructor(onFreed: (handler: string) => void) {
    this.onFreed = onFreed;
  }

  /** Throws SUBJECT_CONFLICT naming both files when another handler holds an overlapping subject. */
  claim(handler: string, subject: string, file: string): void {
    for (const [holder, held] of this.claims) {
      if (holder === handler || !overlaps(held.subject, subject)) continue;
      this.refused.add(handler);
      throw new RuntimeError(
        "SUBJECT_CONFLICT",
        `request handlers "${holder}" (${held.file}, "${held.subject}") and "${handler}" (${file}, "${subject}") would both answer the same requests`,
        {
          handler,
          place: { file },
          remedy: `"${holder}" keeps serving. Change one of the subjects, or make one of them an event handler.`,
        },
      );
    }
    this.refused.delete(handler);
    this.release(handler, subject);
    this.claims.set(handler, { subject, file });
  }

  /** Give up the handler's claim, unless it is for `except`. */
  release(handler: string, except?: string): void {
    const held = this.claims.get(handler);
    if (held === undefined || held.subject === except) return;
    this.claims.delete(handler);
    const waiting = [...this.refused];
    this.refused.clear();
    for (const other of waiting) if (other !== handler) this.onFreed(other);
  }

  forget(handler: string): void {
    this.refused.delete(handler);
    this.release(handler);
  }
}
