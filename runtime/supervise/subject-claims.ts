// Two `request` handlers on overlapping subjects would each answer some requests at random. The first one keeps its
// subject; the second is refused, and tries again when the subject is free. One whose file is missing gives its subject
// up to who comes, and goes on until that one has come up: a renamed file leaves no gap.

import { RuntimeError } from "../errors.ts";
import { overlaps } from "../metadata/subject.ts";

interface Claim {
  readonly subject: string;
  readonly file: string;
}

export interface ClaimsOwner {
  /** Whether the handler lets go of its subject once somebody wants it. */
  isGivenUp(handler: string): boolean;
  /** The subject that it was refused may be free. */
  onFreed(handler: string): void;
  /** Another handler has come up on the subject that this one had given up. */
  onTakenOver(handler: string): void;
}

export class SubjectClaims {
  /** More than one for a handler whose subject is changing: the version that serves keeps its own until it is replaced. */
  private readonly claims = new Map<string, Claim[]>();
  private readonly refused = new Set<string>();
  private readonly owner: ClaimsOwner;

  constructor(owner: ClaimsOwner) {
    this.owner = owner;
  }

  /** Throws SUBJECT_CONFLICT naming both files when another handler holds an overlapping subject. */
  claim(handler: string, subjects: readonly string[], file: string): void {
    for (const subject of subjects) {
      const conflict = this.conflictOf(handler, subject);
      if (conflict === undefined) continue;
      const { holder, held } = conflict;
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
    this.claims.set(handler, [...(this.claims.get(handler) ?? []), ...subjects.map((subject) => ({ subject, file }))]);
  }

  /** Give up every claim of the handler but those for `subjects`. */
  keep(handler: string, subjects: readonly string[]): void {
    for (const subject of subjects) this.takeOver(handler, subject);
    const held = this.claims.get(handler) ?? [];
    const kept = subjects.flatMap((subject) => held.findLast((claim) => claim.subject === subject) ?? []);
    if (kept.length > 0) this.claims.set(handler, kept);
    else this.claims.delete(handler);
    if (held.every((claim) => subjects.includes(claim.subject))) return;
    const waiting = [...this.refused];
    this.refused.clear();
    for (const other of waiting) if (other !== handler) this.owner.onFreed(other);
  }

  forget(handler: string): void {
    this.refused.delete(handler);
    this.keep(handler, []);
  }

  private conflictOf(handler: string, subject: string): { readonly holder: string; readonly held: Claim } | undefined {
    for (const [holder, claims] of this.claims) {
      if (holder === handler || this.owner.isGivenUp(holder)) continue;
      const held = claims.find((claim) => overlaps(claim.subject, subject));
      if (held !== undefined) return { holder, held };
    }
    return undefined;
  }

  private takeOver(handler: string, subject: string): void {
    for (const [holder, claims] of this.claims) {
      if (holder === handler || !this.owner.isGivenUp(holder)) continue;
      if (claims.some((claim) => overlaps(claim.subject, subject))) this.owner.onTakenOver(holder);
    }
  }
}
