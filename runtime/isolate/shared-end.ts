// Who has to answer for the end of a process that several handlers share. Pure.
//
// | it ended                                                       | who answers                       | the others    |
// | and said itself of which handler                               | that one                          | nobody's fault |
// | by a handler's message that went past its time; its loop turns | that one                          | nobody's fault |
// | the same, and the loop stands still                            | as the next three                 |               |
// | with messages of one handler in flight                         | that one                          | nobody's fault |
// | with messages of several in flight                             | all of them: it is not known which | nobody's fault |
// | with none in flight                                            | all of them                       |               |
// | as the runtime ends it                                         | nobody                            | nobody's fault |
//
// What a handler then does with its own messages in flight is for its lane (deliver/blame.ts).

import { NOT_ITS_FAULT, type WorkerExit } from "../message/outcome.ts";

export interface SharedPart {
  /** Messages that it has been handed and that have not ended. */
  readonly inFlight: number;
  /** The process has said that it dies of this one. */
  readonly isBlamed: boolean;
  /** One of its messages would not end, so that the process was killed. */
  readonly killedIt: boolean;
  /** The loop has turned after that message was told to stop. */
  readonly hasAnswered: boolean;
}

/** What each is told of the end. */
export function endsOf<Part extends SharedPart>(parts: readonly Part[], exit: WorkerExit): Map<Part, WorkerExit> {
  const answering = answeringFor(parts, exit);
  const isKnown = answering.length === 1;
  return new Map(
    parts.map((part) => {
      if (!answering.includes(part)) return [part, { ...exit, dueTo: "others" }];
      return [part, isKnown || part.inFlight === 0 ? exit : { ...exit, dueTo: "unknown" }];
    }),
  );
}

function answeringFor<Part extends SharedPart>(parts: readonly Part[], exit: WorkerExit): readonly Part[] {
  if (exit.killedBecause === NOT_ITS_FAULT) return [];
  const blamed = parts.filter(({ isBlamed }) => isBlamed);
  if (blamed.length > 0) return blamed;
  const killers = parts.filter(({ killedIt, hasAnswered }) => killedIt && hasAnswered);
  if (killers.length > 0) return killers;
  const busy = parts.filter(({ inFlight }) => inFlight > 0);
  return busy.length > 0 ? busy : parts;
}
