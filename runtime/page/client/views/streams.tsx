// What the app's streams hold, who takes it, what nobody takes, and what waits to leave later.

import { useSignal } from "@preact/signals";
import { momentText, spanText } from "../../../terminal/time-text.ts";
import type { StreamsView as Streams, StreamView, TakerView, WaitingView } from "../../answers.ts";
import { act, may } from "../api.ts";
import { nowMs } from "../live.ts";
import { tell, tellError } from "../notices.ts";
import { Badge } from "../parts/badge.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Empty } from "../parts/empty.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { Pre } from "../parts/pre.tsx";
import { handlerHref, hrefWith } from "../route.ts";
import { agoText, bytesText, countText, plural } from "../words.ts";

const EVERY_MS = 3_000;

export function StreamsView() {
  const changed = useSignal(0);
  const loaded = useLoaded<Streams>("/api/streams", {}, `${Math.floor(nowMs.value / EVERY_MS)} ${changed.value}`);
  const view = loaded.kind === "there" ? loaded.value : undefined;
  return (
    <>
      <h1 tabIndex={-1}>Streams</h1>
      {loaded.kind === "failed" && <p class="problem">{loaded.why}</p>}
      {view?.problems.map((problem) => (
        <p class="problem" key={problem}>
          {problem}
        </p>
      ))}
      {view !== undefined && view.streams.length === 0 && <NoStreams />}
      {view?.streams.map((stream) => (
        <Stream key={stream.name} stream={stream} />
      ))}
      {view !== undefined && <Later later={view.later} onChange={() => changed.value++} />}
      {view !== undefined && view.own.length > 0 && <Own own={view.own} />}
    </>
  );
}

function NoStreams() {
  return (
    <Empty title="This app has no streams">
      <p>
        A <code>durable</code> handler takes its messages from a stream, where they wait while it is down. Declare one
        in handlers.config.ts, and <code>handlers dev</code> makes it:
      </p>
      <Pre>{`streams: [{ name: "TODO", subjects: ["todo.newitem"], maxAge: "7d" }]`}</Pre>
    </Empty>
  );
}

function Stream({ stream }: { readonly stream: StreamView }) {
  const { name, subjects, messages, bytes, firstAtMs, lastAtMs, exists, takers, unclaimed } = stream;
  const now = nowMs.value;
  const times =
    firstAtMs === undefined || lastAtMs === undefined
      ? ""
      : ` · oldest ${agoText(firstAtMs, now)}, newest ${agoText(lastAtMs, now)}`;
  return (
    <section class="card">
      <header class="card-head">
        <h2 class="mono">{name}</h2>
        <span class="dim">
          {exists ? `${plural(messages, "message")} · ${bytesText(bytes)}${times}` : "not made yet, or not to be seen"}
        </span>
      </header>
      {subjects.length > 0 && <p class="mono dim wraps">{subjects.join("  ")}</p>}
      {takers.length > 0 && <Takers takers={takers} />}
      {exists && takers.length === 0 && <p class="dim">No durable of this app takes from it.</p>}
      {unclaimed.length > 0 && (
        <div class="warning">
          <h3>Stored, and taken by no handler</h3>
          <ul>
            {unclaimed.slice(0, 20).map(({ subject, messages: count }) => (
              <li key={subject}>
                <span class="mono">{subject}</span> <span class="dim">{plural(count, "message")}</span>
              </li>
            ))}
          </ul>
          {unclaimed.length > 20 && <p class="dim">and {countText(unclaimed.length - 20)} subjects more</p>}
          <p class="dim">A typing mistake, or a handler still to be written.</p>
        </div>
      )}
    </section>
  );
}

function Takers({ takers }: { readonly takers: readonly TakerView[] }) {
  return (
    <section class="scrolls" tabIndex={0} aria-label="Who takes from it">
      <table class="plain">
        <thead>
          <tr>
            <th>Handler</th>
            <th class="number">Waiting</th>
            <th>Takes</th>
            <th>Durable</th>
          </tr>
        </thead>
        <tbody>
          {takers.map(({ handler, filter, waiting, durable, left, pausedForMs }) => (
            <tr key={durable}>
              <th scope="row">
                <a class="mono" href={handlerHref(handler)}>
                  {handler}
                </a>
              </th>
              <td class="number">{countText(waiting)}</td>
              <td class="mono">{filter}</td>
              <td>
                <span class="mono dim">{durable}</span>{" "}
                {left && <Badge tone="stuck" text="left over: no version that runs takes it (handlers prune)" />}
                {pausedForMs !== undefined && <Badge tone="stuck" text={`paused for ${spanText(pausedForMs)} still`} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface LaterProps {
  readonly later: Streams["later"];
  readonly onChange: () => void;
}

function Later({ later, onChange }: LaterProps) {
  const asking = useSignal<WaitingView | undefined>(undefined);
  const now = nowMs.value;
  const cancel = ({ id, target }: WaitingView) => {
    act<{ end: string }>("/api/cancel", { id })
      .then(({ end }) => tell(CANCELLED[end]?.replace("%", target) ?? end), tellError)
      .finally(onChange);
  };
  return (
    <section class="card">
      <header class="card-head">
        <h2>Leaves later</h2>
        <span class="dim">{plural(later.total, "message")}</span>
      </header>
      {later.messages.length === 0 && (
        <p class="dim">
          Nothing waits. <code>{`ctx.publish(reminder, { id }, { delay: "10m" })`}</code> puts something here.
        </p>
      )}
      {later.messages.length > 0 && (
        <ul class="waiting">
          {later.messages.map((message) => (
            <li key={message.id}>
              <div>
                <span class="mono">{message.target}</span>
                <p class="dim">
                  leaves {momentText(message.dueMs, now)}
                  {message.dueMs > now ? `, in ${spanText(message.dueMs - now)}` : ", now"} · by{" "}
                  <span class="mono">{message.by === "$send" ? "handlers send" : message.by}</span> ·{" "}
                  {bytesText(message.bytes)}
                </p>
              </div>
              {may("cancel") && (
                <button type="button" class="danger quiet" onClick={() => (asking.value = message)}>
                  Cancel…
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {later.total > later.messages.length && (
        <p class="dim">The first {countText(later.messages.length)} are shown.</p>
      )}
      {asking.value !== undefined && (
        <Confirm
          title="Cancel this message?"
          text={`What was to leave to "${asking.value.target}" never does. Nothing brings it back.`}
          verb="Cancel it for good"
          danger
          onYes={() => asking.value !== undefined && cancel(asking.value)}
          onClose={() => (asking.value = undefined)}
        />
      )}
    </section>
  );
}

const CANCELLED: Readonly<Record<string, string>> = {
  cancelled: "The message to % is cancelled",
  missing: "The message to % does not wait any more",
  leaving: "The message to % is due, and leaves",
};

function Own({ own }: { readonly own: Streams["own"] }) {
  return (
    <section class="card">
      <h2>Kept by the runtime</h2>
      <ul class="lines">
        {own.map(({ name, what, messages, bytes }) => (
          <li key={name}>
            <span class="mono">{name}</span>{" "}
            <span class="dim">
              {what} · {plural(messages, "message")} · {bytesText(bytes)}
            </span>
          </li>
        ))}
      </ul>
      <p class="dim">
        <a href={hrefWith("/letters", {})}>Dead letters</a> can be read, redriven and dropped.
      </p>
    </section>
  );
}
