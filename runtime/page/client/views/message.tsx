// One delivery, with all that belongs to it: payload, headers, error, log lines, what it published, its other attempts.

import { momentText, spanText } from "../../../terminal/time-text.ts";
import type { MadeCall, MessageDetail } from "../../message-answers.ts";
import { may } from "../api.ts";
import { nowMs } from "../live.ts";
import { Badge } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { ErrorCard } from "../parts/error-note.tsx";
import { Fact } from "../parts/fact.tsx";
import { Headers } from "../parts/headers.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { LogLine } from "../parts/log-line.tsx";
import { Payload } from "../parts/payload.tsx";
import { Pre } from "../parts/pre.tsx";
import { handlerHref, hrefWith, wayHref } from "../route.ts";
import { bytesText, clockText, msText } from "../words.ts";
import { Message } from "./messages.tsx";

export function MessageView({ id }: { readonly id: string }) {
  const loaded = useLoaded<MessageDetail>("/api/message", { key: id }, id);
  return (
    <>
      <p class="crumbs">
        <a href="/messages">Messages</a>
      </p>
      <h1 tabIndex={-1}>Message</h1>
      {loaded.kind === "failed" && (
        <Empty title="It is not kept any more">
          <p>
            The last 1,000 deliveries of each handler are kept by the page, as long as it runs and there is room. What
            failed for good is among the <a href="/letters">dead letters</a>.
          </p>
        </Empty>
      )}
      {loaded.kind === "there" && <Known message={loaded.value} />}
    </>
  );
}

function Known({ message }: { readonly message: MessageDetail }) {
  const { tone, outcome, payload, key, origin, error, stack, headers, reply, lines, calls, attempts } = message;
  return (
    <>
      <div class="headline">
        <Badge tone={tone} text={outcome} />
        <div class="buttons">
          {may("send") && payload.kind !== "hidden" && payload.kind !== "gone" && (
            <a class="button" href={hrefWith("/send", { message: key })}>
              Edit and send
            </a>
          )}
          <a class="button" href={wayHref(origin)}>
            Its way
          </a>
        </div>
      </div>
      <Facts message={message} />
      {error !== undefined && <ErrorCard note={error} />}
      {stack !== undefined && stack !== "" && <Pre class="stack">{stack}</Pre>}
      <Payload view={payload} />
      {reply !== undefined && <Payload view={reply} title="Reply" />}
      <Headers pairs={headers} />
      <section>
        <h2>It logged</h2>
        {lines.length === 0 ? (
          <p class="dim">Nothing by ctx.log.</p>
        ) : (
          <div class="log" role="log" aria-live="off" tabIndex={0} aria-label="What it logged">
            {lines.map((line) => (
              <LogLine line={line} />
            ))}
          </div>
        )}
      </section>
      <section>
        <h2>It published</h2>
        {calls.length === 0 ? <p class="dim">Nothing.</p> : <Calls calls={calls} />}
      </section>
      {attempts.length > 1 && (
        <section>
          <h2>Its attempts</h2>
          <ul class="messages">
            {attempts.map((row) => (
              <Message key={row.key} row={row} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Facts({ message }: { readonly message: MessageDetail }) {
  const now = nowMs.value;
  const { handler, subject, id, attempt, atMs, tookMs, waitedMs, settled, retryAtMs, version, replica } = message;
  return (
    <dl class="facts">
      <Fact name="Handler">
        <a class="mono" href={handlerHref(handler)}>
          {handler}
        </a>{" "}
        <a href={hrefWith("/messages", { handler })}>its messages</a>
      </Fact>
      <Fact name="Subject">
        <span class="mono">{subject}</span>
      </Fact>
      <Fact name="Id">
        <span class="mono">{id}</span>
      </Fact>
      <Fact name="Ended">{clockText(atMs, now)}</Fact>
      <Fact name="Took">
        {msText(tookMs)} <span class="dim">after waiting {msText(waitedMs)} here</span>
      </Fact>
      <Fact name="Attempt">{attempt}</Fact>
      {settled !== undefined && <Fact name="Then">{settled}</Fact>}
      {retryAtMs !== undefined && (
        <Fact name="Runs again">
          {momentText(retryAtMs, now)}
          {retryAtMs > now && ` (in ${spanText(retryAtMs - now)})`}
        </Fact>
      )}
      <Fact name="Version">
        <span class="mono">{version.slice(0, 8)}</span> on replica <span class="mono">{replica}</span>
      </Fact>
    </dl>
  );
}

function Calls({ calls }: { readonly calls: readonly MadeCall[] }) {
  return (
    <ul class="messages">
      {calls.map(({ origin, atMs, verb, subject, bytes, leavesAtMs, problem }) => (
        <li key={origin} class={`message-row tone-${problem === undefined ? "good" : "bad"}`}>
          <span class="at mono dim">{clockText(atMs, nowMs.value)}</span>
          <span class="outcome">{verb === "publish" ? "published" : "requested"}</span>
          <span class="who">
            <a class="cover mono" data-row href={wayHref(origin)}>
              {subject}
            </a>
          </span>
          <span class="dim id">{leavesAtMs === undefined ? "" : `leaves ${momentText(leavesAtMs, nowMs.value)}`}</span>
          <span class="number">{bytesText(bytes)}</span>
          {problem !== undefined && <span class="problem-line">{problem}</span>}
        </li>
      ))}
    </ul>
  );
}
