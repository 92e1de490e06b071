// Messages that run now, each with a button that ends it.

import { useSignal } from "@preact/signals";
import { spanText } from "../../../terminal/time-text.ts";
import type { RunningRow } from "../../message-answers.ts";
import { act, may } from "../api.ts";
import { nowMs } from "../live.ts";
import { tell, tellError } from "../notices.ts";
import { handlerHref, wayHref } from "../route.ts";
import { plural } from "../words.ts";
import { Sign } from "./badge.tsx";
import { Confirm } from "./dialog.tsx";

export interface RunningProps {
  readonly rows: readonly RunningRow[];
  readonly unsaid: number;
}

export function Running({ rows, unsaid }: RunningProps) {
  if (rows.length === 0) return null;
  return (
    <section aria-label="Running now">
      <h2>Running now</h2>
      <ul class="messages">
        {rows.map((row) => (
          <RunningMessage key={`${row.replica} ${row.handler} ${row.id}`} row={row} />
        ))}
      </ul>
      {unsaid > 0 && <p class="dim">And {plural(unsaid, "message")} more, which began later.</p>}
    </section>
  );
}

function RunningMessage({ row }: { readonly row: RunningRow }) {
  const { handler, subject, id, origin, attempt, sinceMs } = row;
  return (
    <li class="message-row running tone-coming">
      <span class="at dim">{spanText(Math.max(0, nowMs.value - sinceMs))}</span>
      <span class="outcome">
        <Sign tone="coming" />
        running
      </span>
      <span class="who">
        <a class="mono" data-row href={handlerHref(handler)}>
          {handler}
        </a>
        <span class="mono dim subject">{subject}</span>
      </span>
      <span class="mono dim id" title={id}>
        <a href={wayHref(origin)}>its way</a> {id}
        {attempt > 1 && ` · attempt ${attempt}`}
      </span>
      <CancelButton row={row} />
    </li>
  );
}

export function CancelButton({ row }: { readonly row: RunningRow }) {
  const asking = useSignal(false);
  if (!may("cancel-run")) return null;
  const { handler, id } = row;
  const cancel = async () => {
    const { end } = await act<{ readonly end: "cancelled" | "ended" }>("/api/cancel-run", { handler, id });
    return end === "cancelled" ? `${handler}: the message is cancelled` : "It had ended before.";
  };
  return (
    <>
      <button type="button" class="danger small" onClick={() => (asking.value = true)}>
        Cancel…
      </button>
      {asking.value && (
        <Confirm
          title={`Cancel this message of ${handler}?`}
          text="It is told to stop; if it does not within seconds its worker is ended, and what that had in hand besides runs again. The message is kept as a dead letter, or its sender gets an error: it is not run again."
          verb="Cancel the message"
          danger
          onYes={() => cancel().then(tell, tellError)}
          onClose={() => (asking.value = false)}
        />
      )}
    </>
  );
}
