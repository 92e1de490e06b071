// Deliveries as they end, on every replica: filtered, searched, held still with a key.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { momentText } from "../../../terminal/time-text.ts";
import type { MessageRow } from "../../message-answers.ts";
import { session } from "../api.ts";
import { type Messages, messages, names, nowMs, running, watch } from "../live.ts";
import { Sign } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { Pre } from "../parts/pre.tsx";
import { Running } from "../parts/running.tsx";
import { Search } from "../parts/search.tsx";
import { query, refine } from "../place.ts";
import { messageHref } from "../route.ts";
import { clockText, countText, msText, plural } from "../words.ts";

const OUTCOMES = [
  ["", "every outcome"],
  ["failed", "not well"],
  ["returned", "returned"],
  ["filtered", "filtered"],
  ["threw", "threw"],
  ["retry-later", "retry-later"],
  ["slow-down", "slow-down"],
  ["gave-up", "gave up"],
  ["invalid", "invalid"],
  ["timed-out", "timed out"],
  ["cancelled", "cancelled"],
  ["crashed", "crashed"],
  ["given-back", "given back"],
] as const;

/** Who types asks once, not with every letter. */
const TYPING_MS = 250;

export function MessagesView() {
  const said = query.value;
  const [handler, outcome, words] = ["handler", "outcome", "q"].map((name) => said.get(name) ?? "");
  useEffect(() => {
    const timer = setTimeout(() => watch({ messages: "1", of: handler, outcome, words }), words === "" ? 0 : TYPING_MS);
    return () => clearTimeout(timer);
  }, [handler, outcome, words]);
  useEffect(() => () => watch({}), []);
  const held = useSignal<Messages | undefined>(undefined);
  useEffect(() => {
    held.value = undefined;
  }, [handler, outcome, words]);
  const now = messages.value;
  const shown = held.value ?? now;
  const isFiltered = [handler, outcome, words].some((one) => one !== "");
  const waiting = held.value === undefined || now === undefined ? 0 : now.known - held.value.known;
  return (
    <>
      <h1 tabIndex={-1}>Messages</h1>
      <Filters
        handler={handler ?? ""}
        outcome={outcome ?? ""}
        isHeld={held.value !== undefined}
        onHold={() => (held.value = held.value === undefined ? now : undefined)}
      />
      {shown !== undefined && <Head now={now ?? shown} waiting={waiting} />}
      <Running {...running.value} />
      {shown !== undefined && shown.rows.length === 0 && <None isFiltered={isFiltered} now={shown} />}
      {shown !== undefined && shown.rows.length > 0 && <Rows rows={shown.rows} />}
    </>
  );
}

interface FiltersProps {
  readonly handler: string;
  readonly outcome: string;
  readonly isHeld: boolean;
  readonly onHold: () => void;
}

function Filters({ handler, outcome, isHeld, onHold }: FiltersProps) {
  const known = [...new Set([...names.value, ...(handler === "" ? [] : [handler])])].sort();
  return (
    <div class="toolbar">
      <Search label="Search messages" hint="Search subject, id, error, headers, payload   /" />
      <select aria-label="Handler" value={handler} onChange={(event) => refine({ handler: event.currentTarget.value })}>
        <option value="">every handler</option>
        {known.map((name) => (
          <option value={name}>{name}</option>
        ))}
      </select>
      <select aria-label="Outcome" value={outcome} onChange={(event) => refine({ outcome: event.currentTarget.value })}>
        {OUTCOMES.map(([value, text]) => (
          <option value={value}>{text}</option>
        ))}
      </select>
      <button type="button" data-pause aria-pressed={isHeld} title="p" onClick={onHold}>
        {isHeld ? "Go on" : "Hold"}
      </button>
    </div>
  );
}

function Head({ now, waiting }: { readonly now: Messages; readonly waiting: number }) {
  const { sinceMs, missed, missedInMs } = now;
  return (
    <p class="dim" role="status">
      {waiting > 0 && <strong>{plural(waiting, "message")} since you held them. </strong>}
      Watched since {momentText(sinceMs, nowMs.value)}.
      {missed > 0 && (
        <span class="tone-stuck colored">
          {" "}
          It goes too fast to show all: {countText(missed)} more in the last {missedInMs / 1_000} s were not recorded.
        </span>
      )}
      {session.value?.showsPayloads === false && " Payloads are not shown, nor searched (--payloads)."}
    </p>
  );
}

function None({ isFiltered, now }: { readonly isFiltered: boolean; readonly now: Messages }) {
  if (!now.answered)
    return (
      <Empty title="No replica tells of its messages">
        <p>
          None of this app runs, or this NATS user may not publish to{" "}
          <code>_HANDLERS.{session.value?.app ?? "app"}.messages</code>: <code>handlers permissions --for operate</code>{" "}
          prints what is needed.
        </p>
      </Empty>
    );
  return isFiltered ? (
    <Empty title="No message fits so far">
      <p>
        What comes and fits is shown here. <a href="/messages">Show all</a>
      </p>
    </Empty>
  ) : (
    <Empty title="No message has come yet">
      <p>Each delivery is a line here as soon as it has ended: what came of it, how long it took, what it carried.</p>
      <p>
        <a href="/send">Send one</a>, or from a terminal, for the sample:
      </p>
      <Pre>{`npx handlers send todo.newitem '{"id":"5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01","item":"milk"}'`}</Pre>
    </Empty>
  );
}

function Rows({ rows }: { readonly rows: readonly MessageRow[] }) {
  return (
    <ul class="messages">
      {rows.toReversed().map((row) => (
        <Message key={row.key} row={row} />
      ))}
    </ul>
  );
}

export function Message({ row }: { readonly row: MessageRow }) {
  const { key, atMs, handler, subject, id, attempt, outcome, tone, tookMs, problem, settled } = row;
  return (
    <li class={`message-row tone-${tone}`}>
      <span class="at mono dim">{clockText(atMs, nowMs.value)}</span>
      <span class="outcome">
        <Sign tone={tone} />
        {outcome}
      </span>
      <span class="who">
        <a class="cover mono" data-row href={messageHref(key)}>
          {handler}
        </a>
        <span class="mono dim subject">{subject}</span>
      </span>
      <span class="mono dim id" title={id}>
        {id}
        {attempt > 1 && ` · attempt ${attempt}`}
      </span>
      <span class="number">{msText(tookMs)}</span>
      {problem !== undefined && (
        <span class="problem-line">
          {problem}
          {settled !== undefined && <span class="dim"> · {settled}</span>}
        </span>
      )}
    </li>
  );
}
