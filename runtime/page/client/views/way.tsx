// The way of a message as a tree in time: what was published, who took it, what they published in turn, what waits.

import { useEffect } from "preact/hooks";
import { momentText, spanText } from "../../../terminal/time-text.ts";
import type { Absent, WayMessage, WayTaker, WayView } from "../../message-answers.ts";
import { nowMs, running, type WayPart, watch, way } from "../live.ts";
import { Sign } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { CancelButton } from "../parts/running.tsx";
import { query } from "../place.ts";
import { handlerHref, messageHref } from "../route.ts";
import { type Bar, type WayRow, type WayRows, wayRows, waySentence } from "../way-rows.ts";
import { clockText, countText, msText } from "../words.ts";

export function WayOfMessage() {
  return (
    <>
      <p class="crumbs">
        <a href="/messages">Messages</a>
      </p>
      <h1 tabIndex={-1}>The way of a message</h1>
      <WayOf origin={query.value.get("of") ?? ""} />
    </>
  );
}

export function WayOf({ origin }: { readonly origin: string }) {
  useEffect(() => {
    watch({ way: origin });
    return () => watch({});
  }, [origin]);
  const known = way.value;
  // That of the message before is not shown for a moment under this one's name.
  if (known === undefined || known.asked !== origin) return null;
  return isWhole(known) ? <Way view={known} /> : <Unknown known={known} />;
}

function isWhole(known: WayPart): known is WayView {
  return known.root !== undefined;
}

function Unknown({ known }: { readonly known: WayPart }) {
  return (
    <Empty title="Nothing is known of this message yet">
      <p>
        It is shown as soon as it is seen. The page watches since {momentText(known.sinceMs, nowMs.value)}: what was
        before that is not known, but where <code>handlers dev</code> keeps it.
      </p>
      <p class="mono dim">{known.asked}</p>
      {running.value.rows
        .filter(({ origin }) => origin === known.asked)
        .map(({ handler, origin }) => (
          <p key={handler}>
            <span class="mono">{handler}</span> <RunsNow handler={handler} origin={origin} />
          </p>
        ))}
    </Empty>
  );
}

function Way({ view }: { readonly view: WayView }) {
  const drawn = wayRows(view);
  const now = nowMs.value;
  const sentence = waySentence(view, now);
  const isBad = /given up/.test(sentence);
  return (
    <>
      <p class={`sentence ${isBad ? "is-bad" : view.open ? "" : "is-good"}`} role="status">
        {sentence}
      </p>
      {view.missed > 0 && (
        <p class="dim">
          It goes too fast to record all: {countText(view.missed)} deliveries of the last {view.missedInMs / 1_000} s
          are not known, and parts of this way may be among them.
        </p>
      )}
      <div class="way">
        <Axis drawn={drawn} />
        <ol>
          {drawn.rows.map((row) => (
            <Row row={row} fromMs={drawn.fromMs} asked={view.asked} />
          ))}
        </ol>
      </div>
      <p class="dim">
        Begun at {clockText(view.fromMs, now)}, by the clocks of the replicas. A message that handlers published is
        found again where it arrives; one from outside is the same for several handlers where it has an id, or lies in a
        stream.
      </p>
    </>
  );
}

function Axis({ drawn: { fromMs, untilMs } }: { readonly drawn: WayRows }) {
  const whole = untilMs - fromMs;
  return (
    <div class="way-axis dim" aria-hidden="true">
      <span>0</span>
      <span>{spanOf(whole / 2)}</span>
      <span>{spanOf(whole)}</span>
    </div>
  );
}

function spanOf(ms: number): string {
  return ms < 10_000 ? msText(ms) : spanText(ms);
}

interface RowProps {
  readonly row: WayRow;
  readonly fromMs: number;
  readonly asked: string;
}

function Row({ row, fromMs, asked }: RowProps) {
  const indent = { "--depth": String(Math.min(row.depth, 12)) };
  return (
    <li class={`way-row is-${row.kind}`} style={indent}>
      {row.kind === "message" && (
        <Published message={row.message} fromMs={fromMs} isAsked={row.depth > 0 && row.message.origin === asked} />
      )}
      {row.kind === "taker" && <Taker taker={row.taker} origin={row.origin} />}
      {row.kind === "absent" && <NotSeen absent={row.absent} origin={row.origin} />}
      <span class="way-time" aria-hidden="true">
        {row.kind === "message" && row.at !== undefined && <span class="way-dot" style={{ left: percent(row.at) }} />}
        {row.kind === "taker" && row.bars.map((bar) => <TimeBar bar={bar} />)}
      </span>
    </li>
  );
}

function Published({ message, fromMs, isAsked }: { message: WayMessage; fromMs: number; isAsked: boolean }) {
  const { subject, by, verb, atMs, leavesAtMs, problem } = message;
  const now = nowMs.value;
  const how = verb === "request" ? "requested" : "published";
  const who = by === undefined ? (verb === undefined ? "from outside" : "sent from the page") : how;
  return (
    <span class="way-what">
      <strong class="mono">{subject}</strong>
      <span class="dim">
        {" "}
        {who}
        {atMs !== undefined && atMs > fromMs && ` after ${msText(atMs - fromMs)}`}
        {leavesAtMs !== undefined && `, leaves ${momentText(leavesAtMs, now)}`}
        {leavesAtMs !== undefined && leavesAtMs > now && ` (in ${spanText(leavesAtMs - now)})`}
        {isAsked && " · the one you asked for"}
      </span>
      {problem !== undefined && <span class="problem-line">{problem}</span>}
    </span>
  );
}

const STATES: Readonly<Record<WayTaker["state"], string>> = {
  done: "done",
  retry: "runs again",
  "given-up": "given up",
  "given-back": "given back unrun",
};

function Taker({ taker, origin }: { readonly taker: WayTaker; readonly origin: string }) {
  const { handler, state, nextAtMs, attempts } = taker;
  const last = attempts.at(-1);
  const now = nowMs.value;
  return (
    <span class={`way-what tone-${last?.tone ?? "idle"}`}>
      <Sign tone={last?.tone ?? "idle"} />{" "}
      <a class="mono" href={last === undefined ? handlerHref(handler) : messageHref(last.key)} data-row>
        {handler}
      </a>
      <span class="dim">
        {" "}
        {STATES[state]}
        {nextAtMs !== undefined && nextAtMs > now && ` in ${spanText(nextAtMs - now)}`}
        {last !== undefined && ` · ${msText(last.tookMs)}`}
        {attempts.length > 1 && ` · ${attempts.length} attempts`}
      </span>
      <RunsNow handler={handler} origin={origin} />
      {last?.problem !== undefined && (
        <span class="problem-line">
          {last.problem}
          {last.settled !== undefined && <span class="dim"> · {last.settled}</span>}
        </span>
      )}
    </span>
  );
}

/** It has it in hand. */
function RunsNow({ handler, origin }: { readonly handler: string; readonly origin: string }) {
  const row = running.value.rows.find((one) => one.handler === handler && one.origin === origin);
  if (row === undefined) return null;
  return (
    <span class="way-running">
      runs for {spanText(Math.max(0, nowMs.value - row.sinceMs))} <CancelButton row={row} />
    </span>
  );
}

function NotSeen({ absent: { handler, tone, why }, origin }: { readonly absent: Absent; readonly origin: string }) {
  return (
    <span class={`way-what tone-${tone}`}>
      <Sign tone={tone} />{" "}
      <a class="mono" href={handlerHref(handler)} data-row>
        {handler}
      </a>
      <span class="dim"> {why}</span>
      <RunsNow handler={handler} origin={origin} />
    </span>
  );
}

function TimeBar({ bar: { from, length, tone, isWait } }: { readonly bar: Bar }) {
  return (
    <span
      class={`way-bar tone-${tone}${isWait ? " is-wait" : ""}`}
      style={{ left: percent(from), width: percent(length) }}
    />
  );
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}
