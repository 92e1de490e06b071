// Write a message and send it: what became of it, who takes it, and what was sent before.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LetterDetail, SendResult } from "../../answers.ts";
import type { MessageDetail } from "../../message-answers.ts";
import { act, ask, may } from "../api.ts";
import { addSent, type Draft, draft, sent } from "../drafts.ts";
import { allRows } from "../live.ts";
import { tell, tellError } from "../notices.ts";
import { Empty } from "../parts/empty.tsx";
import { Payload } from "../parts/payload.tsx";
import { go, query } from "../place.ts";
import { handlerHref, hrefWith, wayHref } from "../route.ts";
import { takersOf } from "../tree.ts";
import { bytesText } from "../words.ts";
import { SendForm } from "./send-form.tsx";
import { WayOf } from "./way.tsx";

export function SendView() {
  const [letter, message, subject] = ["letter", "message", "subject"].map((name) => query.value.get(name) ?? null);
  useEffect(() => {
    if (letter) from(ask<LetterDetail>("/api/letter", { id: letter }), true);
    else if (message) from(ask<MessageDetail>("/api/message", { key: message }));
    else if (subject) draft.value = { ...draft.peek(), subject, letter: undefined };
  }, [letter, message, subject]);
  return (
    <>
      <h1 tabIndex={-1}>Send</h1>
      {may("send") || (may("mend") && draft.value.letter !== undefined) ? (
        <Form />
      ) : (
        <Empty title="Sending is not allowed from here">
          <p>
            This page was started with <code>--read-only</code> or <code>--allow</code>.
          </p>
        </Empty>
      )}
    </>
  );
}

/** What runtimes write is theirs: a message that is sent anew begins anew. */
const OWN_HEADER = /^(?:handlers-|nats-)/i;

type Source = Pick<LetterDetail, "subject" | "payload" | "headers" | "handler"> & { readonly id: number | string };

function from(loading: Promise<Source>, isLetter = false): void {
  loading.then(({ subject, payload, headers, id, handler }) => {
    const given = headers.filter(([name]) => !OWN_HEADER.test(name));
    const lines = given.map(([name, value]) => `${name}: ${value}`).join("\n");
    const isRaw = payload.kind !== "json" && payload.kind !== "empty";
    draft.value = {
      subject,
      payload: payload.text,
      headers: lines,
      raw: isRaw,
      masked: payload.masked,
      ask: undefined,
      letter: isLetter && typeof id === "number" ? { id, handler } : undefined,
    };
  }, tellError);
}

function Form() {
  const busy = useSignal(false);
  const result = useSignal<SendResult | undefined>(undefined);
  const now = draft.value;
  const rows = allRows();
  const takers = now.subject === "" ? [] : takersOf(rows, now.subject);
  const asks = now.ask ?? takers.some(({ kind }) => kind === "request");
  const wanted = now.letter === undefined ? takers : rows.filter(({ name }) => name === now.letter?.handler);
  const formed = wanted.filter(({ versions }) => versions.length > 0);
  const change = (to: Partial<Draft>) => (draft.value = { ...draft.peek(), ...to });
  const mends = may("mend") && now.letter !== undefined;
  const submit = async () => {
    busy.value = true;
    try {
      if (now.letter !== undefined && mends) {
        const { id, handler } = now.letter;
        await act("/api/mend", { id, payload: now.payload, raw: now.raw });
        tell(`Letter ${id} is sent again to ${handler}, with this payload`);
        draft.value = { ...now, letter: undefined };
        go(hrefWith("/messages", { handler }));
        return;
      }
      const body = {
        subject: now.subject.trim(),
        payload: now.payload,
        headers: headersIn(now.headers),
        ask: asks,
        raw: now.raw,
      };
      result.value = await act<SendResult>("/api/send", body);
      addSent(now, fateText(result.value), result.value.origin);
    } catch (error) {
      tellError(error);
    } finally {
      busy.value = false;
    }
  };
  const subjects = [...new Set(rows.flatMap(({ subject }) => subject ?? []))].sort();
  return (
    <div class="send">
      <form
        class="card"
        // What does not fit may be sent all the same: to see what comes of it.
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
        }}
      >
        <label>
          Subject
          <input
            data-search
            class="mono"
            required
            disabled={mends}
            list="subjects"
            autocomplete="off"
            spellcheck={false}
            value={now.subject}
            onInput={(event) => change({ subject: event.currentTarget.value, ask: undefined })}
          />
        </label>
        <datalist id="subjects">
          {subjects.map((subject) => (
            <option value={subject} />
          ))}
        </datalist>
        <p class="dim takers">
          {takers.length === 0 ? (
            now.subject === "" ? (
              "Whoever takes the subject gets it."
            ) : (
              "No handler that runs takes this subject."
            )
          ) : (
            <>
              Taken by{" "}
              {takers.map(({ name, kind }, at) => (
                <>
                  {at > 0 && ", "}
                  <a class="mono" href={handlerHref(name)}>
                    {name}
                  </a>{" "}
                  ({kind})
                </>
              ))}
            </>
          )}
        </p>
        {formed.length > 0 && !now.raw && (
          <SendForm
            key={formed.map(({ name }) => name).join()}
            handlers={formed}
            payload={now.payload}
            onChange={(payload) => change({ payload })}
          />
        )}
        <label>
          Payload
          <textarea
            class="mono"
            rows={10}
            spellcheck={false}
            placeholder='{"id": 1}'
            value={now.payload}
            onInput={(event) => change({ payload: event.currentTarget.value })}
          />
        </label>
        {now.masked && now.payload.includes("***") && (
          <p class="warning">
            *** stands for a secret that is not shown here, and would be sent as it stands: fill it in.
          </p>
        )}
        {mends && now.letter !== undefined && (
          <p class="note">
            Dead letter {now.letter.id}, mended: it goes to <span class="mono">{now.letter.handler}</span> alone, with
            its headers and under its id.{" "}
            <button type="button" class="link" onClick={() => change({ letter: undefined })}>
              Send a new message instead
            </button>
          </p>
        )}
        {/* A letter keeps its headers, and nobody waits for its reply. */}
        {!mends && (
          <>
            <details open={now.headers !== ""}>
              <summary>Headers</summary>
              <label>
                <span class="dim">One a line, name: value</span>
                <textarea
                  class="mono"
                  rows={3}
                  spellcheck={false}
                  value={now.headers}
                  onInput={(event) => change({ headers: event.currentTarget.value })}
                />
              </label>
            </details>
            <label class="tick">
              <input
                type="checkbox"
                checked={asks}
                onChange={(event) => change({ ask: event.currentTarget.checked })}
              />{" "}
              Wait for a reply
            </label>
          </>
        )}
        <label class="tick">
          <input type="checkbox" checked={now.raw} onChange={(event) => change({ raw: event.currentTarget.checked })} />{" "}
          Plain text: it need not be JSON
        </label>
        <div class="buttons end">
          <button type="submit" class="primary" disabled={busy.value}>
            {mends ? "Send again to it" : asks ? "Ask" : "Send"}
          </button>
        </div>
      </form>
      <div>
        {result.value !== undefined && <Result result={result.value} />}
        <History />
      </div>
    </div>
  );
}

function headersIn(text: string): (readonly [string, string])[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const at = line.indexOf(":");
    return at === -1 ? ([line, ""] as const) : ([line.slice(0, at).trim(), line.slice(at + 1).trim()] as const);
  });
}

function fateText({ fate, stream, sequence, error }: SendResult): string {
  if (fate === "stored") return `stored in stream ${stream}, ${sequence}`;
  if (fate === "taken") return "handed to whoever listens";
  if (fate === "replied") return "replied";
  return fate === "refused" ? `refused: ${error}` : "nobody takes it now: it is lost";
}

function Result({ result }: { readonly result: SendResult }) {
  const isBad = result.fate === "lost" || result.fate === "refused";
  return (
    <section aria-live="polite">
      <p class={`sentence ${isBad ? "is-bad" : "is-good"}`}>
        <span>
          {bytesText(result.bytes)} to <span class="mono">{result.subject}</span>: {fateText(result)} · {result.tookMs}{" "}
          ms · <a href={wayHref(result.origin)}>its way</a>
        </span>
      </p>
      {result.reply !== undefined && <Payload view={result.reply} title="Reply" />}
      <WayOf key={result.origin} origin={result.origin} />
    </section>
  );
}

function History() {
  if (sent.value.length === 0) return null;
  return (
    <section class="card">
      <h2>Sent from this tab</h2>
      <ul class="lines">
        {sent.value.map(({ message, fate, id, origin }) => (
          <li key={id}>
            <button type="button" class="link mono" data-row onClick={() => (draft.value = message)}>
              {message.subject}
            </button>{" "}
            <span class="dim">{fate}</span> {origin !== undefined && <a href={wayHref(origin)}>its way</a>}
          </li>
        ))}
      </ul>
    </section>
  );
}
