// Sends letters again, or drops them: those that are meant are said in words before it is done.

import { useSignal } from "@preact/signals";
import type { OperationView } from "../../answers.ts";
import { act, may } from "../api.ts";
import { tellError } from "../notices.ts";
import { Confirm } from "../parts/dialog.tsx";

/** By their numbers, or by a filter up to a number. */
export type Meant = { readonly ids: readonly number[] } | { readonly filter: Readonly<Record<string, unknown>> };

export interface LetterActionsProps {
  readonly meant: Meant;
  /** `3 letters`. */
  readonly what: string;
  /** The same on a button. */
  readonly short: string;
  readonly onBegun: () => void;
}

const RATES = [
  ["", "as fast as it goes"],
  ["100", "100 a second"],
  ["10", "10 a second"],
  ["1", "one a second"],
] as const;

type Verb = OperationView["verb"];

export function LetterActions({ meant, what, short, onBegun }: LetterActionsProps) {
  const asking = useSignal<Verb | undefined>(undefined);
  const rate = useSignal("");
  const begin = (verb: Verb) => {
    const slowly = rate.value === "" ? {} : { rate: Number(rate.value) };
    const body = verb === "redrive" ? { letters: meant, ...slowly } : meant;
    act<OperationView>(`/api/${verb}`, body).then(onBegun, tellError);
  };
  const close = () => (asking.value = undefined);
  return (
    <div class="buttons">
      {may("drop") && (
        <button type="button" class="danger quiet" onClick={() => (asking.value = "drop")}>
          Drop {short}…
        </button>
      )}
      {may("redrive") && (
        <button type="button" class="primary" onClick={() => (asking.value = "redrive")}>
          Redrive {short}…
        </button>
      )}
      {asking.value === "redrive" && (
        <Confirm
          title={`Redrive ${what}?`}
          text="Each goes again to the one handler that failed it, oldest first. What fails again becomes a dead letter again."
          verb="Redrive"
          onYes={() => begin("redrive")}
          onClose={close}
        >
          <label>
            How fast
            <select value={rate.value} onChange={(event) => (rate.value = event.currentTarget.value)}>
              {RATES.map(([value, text]) => (
                <option value={value}>{text}</option>
              ))}
            </select>
          </label>
        </Confirm>
      )}
      {asking.value === "drop" && (
        <Confirm
          title={`Drop ${what}?`}
          text="They are removed for good, with their payloads. Nothing brings them back."
          verb="Drop for good"
          danger
          onYes={() => begin("drop")}
          onClose={close}
        />
      )}
    </div>
  );
}
