// How a message is wrapped for a contender with a wire form of its own, as its own client would wrap it.

export interface Wire {
  readonly subject: string;
  /** ASCII with `$DATA` where the payload's JSON goes and, where each message has a number, `$ID`. */
  readonly template: string;
  /** Replies come here, with the number as `id` in their JSON; absent: to the message's reply subject. */
  readonly repliesTo?: string;
}

/** The message of a payload, numbered. */
export function wrap(template: string, data: string, id: number): string {
  return template.replace("$DATA", () => data).replace("$ID", () => String(id));
}

/** A wire form that adds nothing. */
export function plain(subject: string): Wire {
  return { subject, template: "$DATA" };
}
