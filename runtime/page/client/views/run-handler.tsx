// Run a handler once by hand, and see what came of it.

import { useSignal } from "@preact/signals";
import type { InvokeResult } from "../../answers.ts";
import { act } from "../api.ts";
import { tellError } from "../notices.ts";
import { Dialog } from "../parts/dialog.tsx";
import { ErrorCard } from "../parts/error-note.tsx";
import { Payload } from "../parts/payload.tsx";
import { msText } from "../words.ts";

export function RunDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const payload = useSignal("");
  const busy = useSignal(false);
  const result = useSignal<InvokeResult | undefined>(undefined);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    busy.value = true;
    await act<InvokeResult>("/api/invoke", { name, payload: payload.value }).then((done) => {
      result.value = done;
    }, tellError);
    busy.value = false;
  };
  return (
    <Dialog title={`Run ${name} once?`} onClose={onClose}>
      <form onSubmit={submit}>
        <p>In one replica, in a process of its own, also while it is off. What it publishes goes out as ever.</p>
        <label>
          Payload
          <textarea
            class="mono"
            rows={6}
            spellcheck={false}
            placeholder='{"id": 1}'
            value={payload.value}
            onInput={(event) => (payload.value = event.currentTarget.value)}
          />
        </label>
        <div class="buttons end">
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" class="primary" disabled={busy.value}>
            {busy.value ? "It runs…" : "Run it"}
          </button>
        </div>
      </form>
      {result.value !== undefined && <Result result={result.value} />}
    </Dialog>
  );
}

function Result({ result: { outcome, tookMs, replica, replies, error } }: { readonly result: InvokeResult }) {
  return (
    <section aria-live="polite">
      <p class={`sentence ${error === undefined ? "is-good" : "is-bad"}`}>
        {outcome} after {msText(tookMs)} on replica {replica}
      </p>
      {error !== undefined && <ErrorCard note={{ ...error, atMs: Date.now() }} />}
      {replies.map((view) => (
        <Payload view={view} title="Reply" />
      ))}
    </section>
  );
}
