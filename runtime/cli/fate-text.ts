// What becomes of the messages of a durable handler that is off. Pure.

import type { Standing } from "../streams/standing.ts";
import { durationText } from "./duration-text.ts";

/** Of all its subjects: what holds for several is said once. */
export function fateTexts(standings: readonly Standing[]): string[] {
  const waiting = standings.filter((standing) => standing.kind === "durable");
  const plain = waiting.filter(({ removedAfterMs }) => removedAfterMs === undefined);
  const [first] = plain;
  // What waits in several durables is one number to an operator.
  const together = first === undefined ? [] : [{ ...first, waiting: plain.reduce((sum, one) => sum + one.waiting, 0) }];
  const others = standings.filter((standing) => !plain.some((one) => one === standing));
  const told = standings.length === 0 ? [{ kind: "unknown" } as const] : [...together, ...others];
  return [...new Set(told.map(fateText))];
}

/** One sentence, or two. */
export function fateText(standing: Standing): string {
  switch (standing.kind) {
    case "unknown":
      return "its messages wait in the stream until it is enabled, as far as the stream keeps them: how many is not known";
    case "no-stream":
      return `no stream takes "${standing.subject}": what is published there is lost to it until one does`;
    case "no-durable":
      if (standing.keepsOnlyWhatIsWaitedFor)
        return `stream "${standing.stream}" (retention "interest") keeps only what a durable waits for, and this handler has none: what is published now is lost to it`;
      return `it has taken nothing from stream "${standing.stream}" yet: when it is enabled it starts with all that is stored there`;
    case "durable":
      return `its messages wait in the stream until it is enabled: ${standing.waiting} so far${removal(standing)}`;
  }
}

function removal({ stream, removedAfterMs, keepsOnlyWhatIsWaitedFor }: Extract<Standing, { kind: "durable" }>): string {
  if (removedAfterMs === undefined) return "";
  const then = keepsOnlyWhatIsWaitedFor
    ? "what waits is lost then, and what is published after"
    : "all that is stored runs again then";
  return `. But its durable has an inactive_threshold, of its own or of stream "${stream}": with no replica running for ${durationText(removedAfterMs)} the server removes it, and ${then}`;
}
