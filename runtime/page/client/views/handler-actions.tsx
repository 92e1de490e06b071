// What can be done with a handler: turn it off and on, bring it up anew. Buttons there are only for what is allowed.

import { useSignal } from "@preact/signals";
import type { HandlerRow, ReloadResult, SwitchResult } from "../../answers.ts";
import { act, may } from "../api.ts";
import { tell, tellError } from "../notices.ts";
import { Dialog } from "../parts/dialog.tsx";
import { plural } from "../words.ts";
import { RunDialog } from "./run-handler.tsx";

export function HandlerActions({ row }: { readonly row: HandlerRow }) {
  const asking = useSignal(false);
  const running = useSignal(false);
  const busy = useSignal(false);
  const { name } = row;
  const isOff = row.off.some(({ source }) => source === "operator" || source === "start");
  const run = async (what: () => Promise<string>) => {
    busy.value = true;
    await what().then(tell, tellError);
    busy.value = false;
  };
  return (
    <div class="buttons">
      {may("enable") && (isOff || row.tone === "bad") && (
        <button type="button" class="primary" disabled={busy.value} onClick={() => run(() => enable(name))}>
          {isOff ? "Enable" : "Try again"}
        </button>
      )}
      {may("reload") && row.state !== "disabled" && (
        <button type="button" disabled={busy.value} onClick={() => run(() => reload(name))}>
          Reload
        </button>
      )}
      {may("invoke") && (
        <button type="button" disabled={busy.value} onClick={() => (running.value = true)}>
          Run once…
        </button>
      )}
      {may("disable") && !isOff && (
        <button type="button" class="danger" disabled={busy.value} onClick={() => (asking.value = true)}>
          Disable…
        </button>
      )}
      {running.value && <RunDialog name={name} onClose={() => (running.value = false)} />}
      {asking.value && (
        <DisableDialog
          row={row}
          onClose={() => (asking.value = false)}
          onDo={(wish) => run(() => disable(name, wish))}
        />
      )}
    </div>
  );
}

interface Wish {
  readonly reason: string;
  readonly for: string;
  readonly now: boolean;
}

interface DisableProps {
  readonly row: HandlerRow;
  readonly onClose: () => void;
  readonly onDo: (wish: Wish) => void;
}

const UNTIL = "until";
const LENGTHS: readonly (readonly [value: string, text: string])[] = [
  ["", "until somebody enables it"],
  ["15m", "for 15 minutes"],
  ["1h", "for an hour"],
  ["8h", "for 8 hours"],
  ["24h", "for a day"],
  [UNTIL, "until a time"],
];

function DisableDialog({ row, onClose, onDo }: DisableProps) {
  const length = useSignal("");
  const submit = (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const said = new FormData(event.currentTarget);
    onClose();
    onDo({
      reason: String(said.get("reason") ?? ""),
      for: length.value === UNTIL ? lengthUntil(String(said.get("until"))) : length.value,
      now: said.get("now") !== null,
    });
  };
  return (
    <Dialog title={`Disable ${row.name}?`} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{fateText(row)}</p>
        <label>
          Why, for those who wonder later
          <input name="reason" maxLength={500} autocomplete="off" />
        </label>
        <label>
          How long
          <select name="for" value={length.value} onChange={(event) => (length.value = event.currentTarget.value)}>
            {LENGTHS.map(([value, text]) => (
              <option value={value}>{text}</option>
            ))}
          </select>
        </label>
        {length.value === UNTIL && (
          <label>
            Until
            <input type="datetime-local" name="until" required />
          </label>
        )}
        <label class="tick">
          <input type="checkbox" name="now" /> End what is in hand instead of letting it finish
        </label>
        <div class="buttons end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="danger">
            Disable on {plural(row.replicas, "replica")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** By the clock of whoever looks, as what is written. */
function lengthUntil(moment: string): string {
  return `${Math.max(1, Math.round((new Date(moment).getTime() - Date.now()) / 1_000))}s`;
}

function fateText({ kind, subject }: HandlerRow): string {
  if (kind === "durable") return "Its messages wait in their stream until it is enabled.";
  if (kind === "request") return `Requests to "${subject}" get "no responders" at once.`;
  if (kind === "event") return `Messages to "${subject}" are lost to it while it is off.`;
  return "It takes no messages until it is enabled.";
}

async function disable(name: string, wish: Wish): Promise<string> {
  const { for: length, ...rest } = wish;
  const result = await act<SwitchResult>("/api/disable", { name, ...rest, ...(length === "" ? {} : { for: length }) });
  return switchedText(`${name} is off`, result);
}

async function enable(name: string): Promise<string> {
  const result = await act<SwitchResult>("/api/enable", { name });
  return switchedText(`${name} is enabled`, result);
}

function switchedText(what: string, { done, late, keptBy }: SwitchResult): string {
  const where = done === 0 ? "" : ` on ${plural(done, "replica")}`;
  const kept =
    keptBy === "bucket" ? "" : "; its bucket does not answer now, and the replicas write it there when it does";
  return `${what}${where}${late.length === 0 ? "" : `; not yet on ${late.join(", ")}`}${kept}`;
}

async function reload(name: string): Promise<string> {
  const { handlers, silent } = await act<ReloadResult>("/api/reload", { name });
  const bad = handlers.find(({ problem }) => problem !== undefined);
  if (bad?.problem !== undefined) throw new Error(`${name} did not come up on ${bad.replica}: ${bad.problem}`);
  const late = silent.length === 0 ? "" : `; no answer of ${silent.join(", ")}`;
  const slowest = Math.max(0, ...handlers.map(({ tookMs }) => tookMs));
  return `${name} is up again on ${plural(handlers.length, "replica")} in ${slowest} ms${late}`;
}
