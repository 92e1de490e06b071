// Which subjects a handler claims: whoever asks who takes a message asks this, and reads no subject himself.

/** What says so: metadata, a status, what a replica reports. */
interface Claiming {
  /** Undefined: no version has said it yet. */
  readonly subject?: string | undefined;
}

/** Valid subjects, wildcards allowed; none where nothing is known. */
export function claims({ subject }: Claiming): readonly string[] {
  return subject === undefined ? [] : [subject];
}
