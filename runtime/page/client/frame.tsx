// What is around every view: where one can go, how fresh what is shown is, what goes on, what has come of it, help.

import { useSignal } from "@preact/signals";
import { spanText } from "../../terminal/time-text.ts";
import type { OperationView } from "../answers.ts";
import { act, locked, may, session } from "./api.ts";
import { helpShown, KEYS } from "./keys.ts";
import { board, link, nowMs } from "./live.ts";
import { notices, putAway, tellError } from "./notices.ts";
import { Dialog } from "./parts/dialog.tsx";
import { Empty } from "./parts/empty.tsx";
import { Pre } from "./parts/pre.tsx";
import { route } from "./place.ts";
import { nextTheme, theme } from "./theme.ts";
import { HandlerView } from "./views/handler.tsx";
import { HandlersView } from "./views/handlers.tsx";
import { LetterView } from "./views/letter.tsx";
import { LettersView } from "./views/letters.tsx";
import { MapView } from "./views/map.tsx";
import { MessageView } from "./views/message.tsx";
import { MessagesView } from "./views/messages.tsx";
import { SendView } from "./views/send.tsx";
import { StreamsView } from "./views/streams.tsx";
import { WayOfMessage } from "./views/way.tsx";
import { countText, plural } from "./words.ts";

export function Frame() {
  if (locked.value) return <Locked />;
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <strong class="app-name">{session.value?.app ?? "handlers"}</strong>
        <Freshness />
        <div class="top-buttons">
          <button
            type="button"
            class="quiet"
            onClick={nextTheme}
            aria-label={`Theme: ${theme.value}`}
            title={`Theme: ${theme.value}`}
          >
            {THEME_SIGNS[theme.value]}
          </button>
          <button
            type="button"
            class="quiet"
            aria-label="Help"
            title="Help (?)"
            onClick={() => (helpShown.value = true)}
          >
            ?
          </button>
        </div>
      </header>
      <Navigation />
      <main id="main">
        <Problem />
        <Operations />
        <View />
      </main>
      <Notices />
      {helpShown.value && <Help />}
    </>
  );
}

const THEME_SIGNS = { system: "◐", light: "☀", dark: "☾" } as const;

function View() {
  const now = route.value;
  switch (now.view) {
    case "handlers":
      return <HandlersView />;
    case "handler":
      return <HandlerView key={now.name} name={now.name} />;
    case "map":
      return <MapView />;
    case "messages":
      return <MessagesView />;
    case "message":
      return <MessageView key={now.key} id={now.key} />;
    case "way":
      return <WayOfMessage />;
    case "letters":
      return <LettersView />;
    case "letter":
      return <LetterView key={now.id} id={now.id} />;
    case "streams":
      return <StreamsView />;
    case "send":
      return <SendView />;
    case "missing":
      return (
        <Empty title="There is nothing at this address">
          <p>
            <a href="/">To the handlers</a>
          </p>
        </Empty>
      );
  }
}

interface Place {
  readonly href: string;
  readonly text: string;
  /** On a phone. */
  readonly short?: string;
  readonly sign: string;
  /** The views it leads to. */
  readonly of: readonly string[];
}

const VIEWS: readonly Place[] = [
  { href: "/", text: "Handlers", sign: "▦", of: ["handlers", "handler"] },
  { href: "/messages", text: "Messages", sign: "⇢", of: ["messages", "message", "way"] },
  { href: "/map", text: "Map", sign: "⌥", of: ["map"] },
  { href: "/letters", text: "Dead letters", short: "Letters", sign: "✉", of: ["letters", "letter"] },
  { href: "/streams", text: "Streams", sign: "≋", of: ["streams"] },
  { href: "/send", text: "Send", sign: "➤", of: ["send"] },
];

function Navigation() {
  const { view } = route.value;
  const count = board.value?.letters.count ?? 0;
  return (
    <nav aria-label="Views">
      {VIEWS.map(({ href, text, short = text, sign, of }) => (
        <a href={href} aria-current={of.includes(view) ? "page" : undefined}>
          <span class="nav-sign" aria-hidden="true">
            {sign}
          </span>
          <span class="wide">{text}</span>
          <span class="narrow">{short}</span>
          {href === "/letters" && count > 0 && <span class="nav-count">{countText(count)}</span>}
        </a>
      ))}
    </nav>
  );
}

/** How old what is shown is: beyond 3 s it is said aloud. */
function Freshness() {
  const now = board.value;
  const ageMs = now === undefined ? 0 : nowMs.value - now.asOfMs;
  if (link.value === "connecting" || now === undefined) return <span class="fresh dim">connecting…</span>;
  if (link.value === "lost" || ageMs > 3_000) {
    return (
      <span class={`fresh tone-${ageMs > 10_000 ? "bad" : "stuck"}`} role="status">
        as of {spanText(ageMs)} ago
      </span>
    );
  }
  const { replicas, silent } = now;
  return (
    <span class="fresh dim">
      <span class="pulse" aria-hidden="true" />
      {plural(replicas.length, "replica")}
      {silent.length > 0 && <span class="tone-bad"> · {countText(silent.length)} silent</span>}
      <span class="wide"> · nats-server {session.value?.serverVersion}</span>
      {session.value?.actions.length === 0 && " · read-only"}
    </span>
  );
}

function Problem() {
  const { problem, silent = [] } = board.value ?? {};
  const lost =
    link.value === "lost"
      ? "The page's server does not answer: `handlers ui` has ended, or cannot be reached. It is tried again."
      : undefined;
  const deaf = silent.map(
    ({ instance, host, pid }) => `Replica ${instance} (${host}, pid ${pid}) is there and does not answer.`,
  );
  const lines = [lost, problem, ...deaf].filter((line) => line !== undefined);
  return (
    <>
      {lines.map((line) => (
        <p class="problem" key={line} role="alert">
          {line}
        </p>
      ))}
    </>
  );
}

function Operations() {
  const away = useSignal<ReadonlySet<string>>(new Set());
  const shown = (board.value?.operations ?? []).filter(({ id }) => !away.value.has(id));
  return (
    <>
      {shown.map((operation) => (
        <Operation
          key={operation.id}
          operation={operation}
          onAway={() => (away.value = new Set([...away.value, operation.id]))}
        />
      ))}
    </>
  );
}

const VERBS = { redrive: "Redrive", drop: "Drop" } as const;

function Operation({ operation, onAway }: { readonly operation: OperationView; readonly onAway: () => void }) {
  const { id, verb, what, total, done, state, problem } = operation;
  const isRunning = state === "running";
  return (
    <div class={`operation is-${state}`} role="status">
      <span>
        {VERBS[verb]} {what}: {isRunning ? "" : `${state}, `}
        {countText(done)} of {countText(total)}
        {operation.rate !== undefined && isRunning && `, ${countText(operation.rate)} a second`}
        {problem !== undefined && `: ${problem}`}
      </span>
      {isRunning && <progress aria-label={`${VERBS[verb]} ${what}`} max={Math.max(1, total)} value={done} />}
      {isRunning && may(verb) ? (
        <button type="button" onClick={() => act("/api/stop", { id }).catch(tellError)}>
          Stop
        </button>
      ) : (
        <button type="button" class="quiet" aria-label="Put away" onClick={onAway}>
          ×
        </button>
      )}
    </div>
  );
}

function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, tone, text, remedy }) => (
        <div class={`notice is-${tone}`} key={id}>
          <div>
            <p>{text}</p>
            {remedy !== undefined && <p class="dim">{remedy}</p>}
          </div>
          <button type="button" class="quiet" aria-label="Put away" onClick={() => putAway(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}

function Help() {
  const known = session.value;
  return (
    <Dialog title="Help" onClose={() => (helpShown.value = false)}>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      {known !== undefined && (
        <p class="dim">
          nats-handlers {known.version} · app {known.app} · NATS {known.server} ({known.serverVersion}). From here one
          may {known.actions.length === 0 ? "only look" : known.actions.join(", ")}; payloads are{" "}
          {known.showsPayloads ? "shown" : "not shown"}.
        </p>
      )}
      <form method="dialog" class="buttons end">
        <button type="button" class="primary" onClick={(event) => event.currentTarget.closest("dialog")?.close()}>
          Close
        </button>
      </form>
    </Dialog>
  );
}

function Locked() {
  return (
    <main class="locked">
      <Empty title="This address is of an earlier start">
        <p>
          Whoever opens this page needs the token of the <code>handlers ui</code> that runs. Open the address that it
          has printed, or start it anew:
        </p>
        <Pre>npx handlers ui --open</Pre>
      </Empty>
    </main>
  );
}
