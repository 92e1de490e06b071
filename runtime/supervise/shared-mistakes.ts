// A mistake in a module that many handlers share is told once, with the names of all that it holds back.
//
// Its handlers fail one after another as they are built again: the first failure is held until no other has come for a
// moment. What is wrong with a handler's own file is told at once.

import type { Clock, Timer } from "../clock.ts";
import { formatPlace } from "../errors.ts";
import type { Emit, RuntimeEvent } from "../events.ts";

type Failed = Extract<RuntimeEvent, { type: "handler.failed" }>;

const QUIET_MS = 100;

export interface SharedMistakesOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  /** The handler's own file, as places name it. */
  readonly fileOf: (handler: string) => string | undefined;
}

export interface SharedMistakes {
  readonly emit: Emit;
  /** Tell what is still held, and hold nothing from now on. */
  close(): void;
}

export function sharedMistakes({ clock, emit, fileOf }: SharedMistakesOptions): SharedMistakes {
  const held = new Map<string, { readonly first: Failed; readonly others: Set<string>; timer: Timer }>();
  let closed = false;

  function tell(mistake: string): void {
    const known = held.get(mistake);
    if (known === undefined) return;
    known.timer.cancel();
    held.delete(mistake);
    const { first, others } = known;
    emit(others.size === 0 ? first : { ...first, others: [...others].sort() });
  }

  function hold(event: Failed, mistake: string): void {
    const later = () => clock.after(QUIET_MS, () => tell(mistake));
    const known = held.get(mistake);
    if (known === undefined) {
      held.set(mistake, { first: event, others: new Set(), timer: later() });
      return;
    }
    known.timer.cancel();
    known.timer = later();
    if (event.handler !== known.first.handler) known.others.add(event.handler);
  }

  return {
    emit(event) {
      const mistake = closed ? undefined : sharedMistakeOf(event, fileOf);
      if (mistake === undefined) emit(event);
      else hold(event as Failed, mistake);
    },
    close() {
      closed = true;
      for (const mistake of [...held.keys()]) tell(mistake);
    },
  };
}

/** What the failures of all its handlers have in common; undefined when it can only be one handler's. */
function sharedMistakeOf(event: RuntimeEvent, fileOf: SharedMistakesOptions["fileOf"]): string | undefined {
  if (event.type !== "handler.failed") return undefined;
  const { handler, error } = event;
  if (error.code !== "BUNDLE_FAILED" || error.place === undefined) return undefined;
  const file = fileOf(handler);
  if (file === undefined || file === error.place.file) return undefined;
  return `${formatPlace(error.place)} ${error.message.replaceAll(`"${handler}"`, "")}`;
}
