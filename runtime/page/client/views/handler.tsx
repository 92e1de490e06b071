// One handler: how it stands and why, its replicas, what went wrong last, its log; and what can be done.

import { useEffect } from "preact/hooks";
import { spanText } from "../../../terminal/time-text.ts";
import type { HandlerRow, LogEntry, ReplicaRow } from "../../answers.ts";
import { detail, link, log, logPaused, names, nowMs, rowOf, running, watch } from "../live.ts";
import { Badge } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { ErrorCard } from "../parts/error-note.tsx";
import { Fact } from "../parts/fact.tsx";
import { LogLine } from "../parts/log-line.tsx";
import { Running } from "../parts/running.tsx";
import { hrefWith, lettersHref } from "../route.ts";
import {
  bytesText,
  countText,
  errorLine,
  failureText,
  holdText,
  msText,
  offText,
  plural,
  rateText,
  rollbackText,
  stateText,
} from "../words.ts";
import { HandlerActions } from "./handler-actions.tsx";
import { Hour } from "./handler-history.tsx";
import { HandlerSchema } from "./handler-schema.tsx";
import { Shadowed } from "./handler-shadow.tsx";
import { Versions } from "./handler-versions.tsx";

export function HandlerView({ name }: { readonly name: string }) {
  useEffect(() => {
    watch({ handler: name });
    return () => watch({});
  }, [name]);
  names.value;
  const row = rowOf(name)?.value;
  return (
    <>
      <p class="crumbs">
        <a href="/">Handlers</a>
      </p>
      <h1 tabIndex={-1} class="mono">
        {name}
      </h1>
      {row !== undefined && <Known row={row} />}
      {row === undefined && link.value === "live" && (
        <Empty title="No replica has this handler">
          <p>Its file is gone or was never there. What failed before is still among the dead letters.</p>
          <p>
            <a href={lettersHref({ handler: name })}>Dead letters of {name}</a>
          </p>
        </Empty>
      )}
    </>
  );
}

function Known({ row }: { readonly row: HandlerRow }) {
  const errors = detail.value?.errors ?? [];
  return (
    <>
      <div class="headline">
        <Badge tone={row.tone} text={stateText(row)} />
        <HandlerActions row={row} />
      </div>
      <Why row={row} />
      <Facts row={row} />
      <HandlerSchema row={row} />
      <Running {...running.value} />
      <Hour name={row.name} />
      <Versions name={row.name} now={row.versions.map(({ version }) => version).join()} />
      <Shadowed name={row.name} />
      <Replicas rows={detail.value?.replicas ?? []} />
      <section>
        <h2>Last errors</h2>
        {errors.length === 0 ? (
          <p class="dim">None since its replicas were started.</p>
        ) : (
          errors.map((note) => <ErrorCard key={errorLine(note)} note={note} />)
        )}
      </section>
      <Log />
    </>
  );
}

function Why({ row }: { readonly row: HandlerRow }) {
  const lines = [
    ...row.off.map((note) => offText(note, nowMs.value, row.replicas)),
    ...row.holds.map((hold) => holdText(hold, nowMs.value)),
    ...row.rolledBack.map((note) => rollbackText(note, nowMs.value, row.replicas)),
    ...row.canary,
    ...(row.slowStart === undefined ? [] : [row.slowStart]),
    ...(row.lastFailure === undefined ? [] : [failureText(row, row.lastFailure)]),
  ];
  if (lines.length === 0) return null;
  // One that serves what it is not to serve for ever is well, but not simply.
  const tone = row.rolledBack.length > 0 && row.tone === "good" ? "off" : row.tone;
  return (
    <ul class={`reasons tone-${row.lastFailure === undefined ? tone : "bad"}`}>
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function Facts({ row }: { readonly row: HandlerRow }) {
  const {
    kind,
    subjects = [],
    subject,
    file,
    rate,
    handled,
    failed,
    p50Ms,
    p99Ms,
    inFlight,
    queued,
    pending,
    versions,
    replicas,
  } = row;
  const times = handled + failed === 0 ? "—" : `half in ${msText(p50Ms)}, 99 % in ${msText(p99Ms)}`;
  return (
    <dl class="facts">
      <Fact name="Takes">
        <span class="mono">{subject ?? "not known yet"}</span> <span class="dim">{kind}</span>
      </Fact>
      <Fact name="File">
        <span class="mono">{file}</span>
      </Fact>
      <Fact name="Rate">{rateText(rate)} a second</Fact>
      <Fact name="Handled">{countText(handled)}</Fact>
      <Fact name="Failed">
        {countText(failed)} <a href={lettersHref({ handler: row.name })}>its dead letters</a>
      </Fact>
      <Fact name="Took">{times}</Fact>
      <Fact name="In hand">
        {countText(inFlight)} running, {countText(queued)} queued
      </Fact>
      {pending !== undefined && <Fact name="In the stream">{countText(pending)} not settled</Fact>}
      <Fact name={versions.length === 1 ? "Version" : "Versions"}>
        {versions.length === 0
          ? "none serves"
          : versions.map(({ version, replicas: on }) => versionText(version, on, replicas)).join(", ")}
      </Fact>
      <Fact name="Messages">
        <a href={hrefWith("/messages", { handler: row.name })}>As they come</a>
      </Fact>
      {subject !== undefined && (
        <Fact name="Try it">
          <a href={hrefWith("/send", { subject: subjects[0] ?? subject })}>Send a message</a>
        </Fact>
      )}
    </dl>
  );
}

function versionText(version: string, on: number, of: number): string {
  return on === of ? version.slice(0, 8) : `${version.slice(0, 8)} on ${on} of ${of}`;
}

function Replicas({ rows }: { readonly rows: readonly ReplicaRow[] }) {
  if (rows.length === 0) return null;
  return (
    <section>
      <h2>{plural(rows.length, "replica")}</h2>
      <section class="scrolls" tabIndex={0} aria-label="Replicas">
        <table class="plain">
          <thead>
            <tr>
              <th>Replica</th>
              <th>State</th>
              <th>Version</th>
              <th class="number">Handled</th>
              <th class="number">Failed</th>
              <th class="number">In hand</th>
              <th class="number">Memory</th>
              <th class="number">Restarts</th>
              <th class="number">Up</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.instance}>
                <th scope="row" class="mono">
                  {row.instance} <span class="dim">{row.host}</span>
                </th>
                <td>
                  <Badge tone={row.tone} text={row.state} />
                </td>
                <td class="mono">{row.version?.slice(0, 8) ?? "—"}</td>
                <td class="number">{countText(row.handled)}</td>
                <td class="number">{countText(row.failed)}</td>
                <td class="number">{countText(row.inFlight + row.queued)}</td>
                <td class="number">{row.memoryBytes === undefined ? "—" : bytesText(row.memoryBytes)}</td>
                <td class="number">{countText(row.restarts)}</td>
                <td class="number">{spanText(nowMs.value - row.startedAtMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Log() {
  const lines = logPaused.value ? pausedLines() : remember(log.value);
  return (
    <section>
      <header class="card-head">
        <h2>Log</h2>
        <button
          type="button"
          class="quiet"
          aria-pressed={logPaused.value}
          onClick={() => (logPaused.value = !logPaused.value)}
        >
          {logPaused.value ? "Go on" : "Pause"}
        </button>
      </header>
      <div class="log" role="log" aria-live="off" tabIndex={0} aria-label="Log of the handler">
        {lines.length === 0 && <p class="dim">Nothing yet. Lines come as the handler writes them.</p>}
        {[...lines].reverse().map((line) => (
          <LogLine line={line} />
        ))}
      </div>
    </section>
  );
}

let remembered: readonly LogEntry[] = [];

function remember(lines: readonly LogEntry[]): readonly LogEntry[] {
  remembered = lines;
  return lines;
}

function pausedLines(): readonly LogEntry[] {
  return remembered;
}
