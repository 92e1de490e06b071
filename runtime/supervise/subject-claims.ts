// Two `request` handlers on overlapping subjects would each answer some requests at random. The first one keeps its
// subject; the second is refused, and tries again when the subject is free.

import { RuntimeError } from "../errors.ts";
import { overlaps } from "../metadata/subject.ts";

interface Claim {
  readonly subject: string;
  readonly file: string;
}

export class SubjectClaims {
  /** More than one for a handler whose subject is changing: the version that serves keeps its own until it is replaced. */
  private readonly claims = new Map<string, Claim[]>();
  private readonly refused = new Set<string>();
  private readonly onFreed: (handler: string) => void;

  constructor(onFreed: (handler: string) => void) {
    this.onFreed = onFreed;
  }

  /** Throws SUBJECT_CONFLICT naming both files when another handler holds an overlapping subject. */
  claim(handler: string, subject: string, file: string): void {
    for (const [holder, claims] of this.claims) {
      const held = holder === handler ? undefined : claims.find((claim) => overlaps(claim.subject, subject));
      if (held === undefined) continue;
      this.refused.add(handler);
      throw new RuntimeError(
        "SUBJECT_CONFLICT",
        `request handlers "${holder}" (${held.file}, "${held.subject}") and "${handler}" (${file}, "${subject}") would both answer the same requests`,
        {
          handler,
          place: { file },
          remedy: `"${holder}" was first. Change one of the subjects, or make one of them an event handler.`,
        },
      );
    }
    this.refused.delete(handler);
    this.claims.set(handler, [...(this.claims.get(handler) ?? []), { subject, file }]);
  }

  /** Give up every claim of the handler but the one for `subject`. */
  keep(handler: string, subject: string | undefined): void {
    const held = this.claims.get(handler) ?? [];
    const kept = held.filter((claim) => claim.subject === subject).slice(-1);
    if (kept.length > 0) this.claims.set(handler, kept);
    else this.claims.delete(handler);
    if (held.every((claim) => claim.subject === subject)) return;
    const waiting = [...this.refused];
    this.refused.clear();
    for (const other of waiting) if (other !== handler) this.onFreed(other);
  }

  forget(handler: string): void {
    this.refused.delete(handler);
    this.keep(handler, undefined);
  }
}
