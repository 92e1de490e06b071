// Home: every handler by its folder, and first of all those that need somebody.

import { useSignal } from "@preact/signals";
import type { HandlerRow } from "../../answers.ts";
import { allRows, board, link, nowMs, rowOf } from "../live.ts";
import { Badge, Sign } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { Pre } from "../parts/pre.tsx";
import { Search } from "../parts/search.tsx";
import { query, refine } from "../place.ts";
import { handlerHref } from "../route.ts";
import { FEW, type Folder, foldersOf, isMeant, isTroubled, type Show } from "../tree.ts";
import { countText, hasFailedLately, msText, plural, rateText, stateText, whyText } from "../words.ts";

/** A browser draws more only with a stutter. */
const AT_ONCE = 100;

export function HandlersView() {
  const rows = allRows();
  const show = showOf(query.value.get("show"));
  const words = query.value.get("q") ?? "";
  const found = rows.filter(isMeant({ words, show }));
  const isFiltered = words !== "" || show !== "all";
  const most = useSignal(AT_ONCE);
  const shown = isFiltered ? found.slice(0, most.value) : found;
  return (
    <>
      <h1 tabIndex={-1}>Handlers</h1>
      <Sentence rows={rows} />
      {rows.length > 0 && (
        <div class="toolbar">
          <Search label="Search handlers" hint="Search name, subject, state   /" />
          <Shown rows={rows} show={show} />
        </div>
      )}
      {rows.length > 0 && found.length === 0 && <p class="dim">No handler fits.</p>}
      {rows.length === 0 && link.value === "live" && <NoHandlers />}
      {found.length > 0 && <Folders folders={foldersOf(shown)} open={isFiltered || rows.length <= FEW} />}
      {shown.length < found.length && (
        <p class="dim">
          The first {countText(shown.length)} of {countText(found.length)} that fit.{" "}
          <button type="button" class="link" onClick={() => (most.value += AT_ONCE)}>
            Show {countText(Math.min(AT_ONCE, found.length - shown.length))} more
          </button>
        </p>
      )}
    </>
  );
}

function showOf(word: string | null): Show {
  return word === "trouble" || word === "off" ? word : "all";
}

/** What there is to know, in one line. */
function Sentence({ rows }: { readonly rows: readonly HandlerRow[] }) {
  const troubled = rows.filter(isTroubled);
  const failing = rows.filter((row) => !isTroubled(row) && hasFailedLately(row, nowMs.value));
  const { count } = board.value?.letters ?? { count: 0 };
  if (rows.length === 0) return null;
  const tone = troubled.length > 0 ? "bad" : failing.length > 0 ? "stuck" : "good";
  return (
    <p class={`sentence is-${tone}`}>
      <Sign tone={tone} />
      <span>
        {troubled.length === 0 ? (
          rows.length === 1 ? (
            `The one handler ${failing.length > 0 ? "serves" : "is well"}.`
          ) : (
            `All ${countText(rows.length)} handlers ${failing.length > 0 ? "serve" : "are well"}.`
          )
        ) : (
          <>
            {troubled.length === 1 ? "1 handler needs you: " : `${countText(troubled.length)} handlers need you: `}
            <Names rows={troubled} />
          </>
        )}
        {failing.length > 0 && (
          <>
            {" "}
            Failed lately: <Names rows={failing} />
          </>
        )}
        {count > 0 && (
          <>
            {" "}
            <a href="/letters">{plural(count, "dead letter")}</a>.
          </>
        )}
      </span>
    </p>
  );
}

function Names({ rows }: { readonly rows: readonly HandlerRow[] }) {
  return (
    <>
      {rows.slice(0, 5).map(({ name }, at) => (
        <>
          {at > 0 && ", "}
          <a href={handlerHref(name)}>{name}</a>
        </>
      ))}
      {rows.length > 5 ? ` and ${countText(rows.length - 5)} more.` : "."}
    </>
  );
}

function Shown({ rows, show }: { readonly rows: readonly HandlerRow[]; readonly show: Show }) {
  const choices: readonly (readonly [Show, string, number])[] = [
    ["all", "All", rows.length],
    ["trouble", "In trouble", rows.filter(isTroubled).length],
    ["off", "Off", rows.filter(({ tone }) => tone === "off").length],
  ];
  return (
    <fieldset class="choices">
      <legend class="unseen">Show</legend>
      {choices.map(([value, text, count]) => (
        <button
          type="button"
          aria-pressed={show === value}
          onClick={() => refine({ show: value === "all" ? undefined : value })}
        >
          {text} <span class="count">{countText(count)}</span>
        </button>
      ))}
    </fieldset>
  );
}

function Folders({ folders, open }: { readonly folders: readonly Folder[]; readonly open: boolean }) {
  return (
    <table class="handlers">
      <thead>
        <tr>
          <th>Handler</th>
          <th>State</th>
          <th>Subject</th>
          <th class="number">Rate /s</th>
          <th class="number">Failed</th>
          <th class="number">Waiting</th>
          <th class="number">p50 · p99</th>
          <th class="number">Replicas</th>
        </tr>
      </thead>
      {folders.map((folder) => (
        <FolderRows key={folder.name} folder={folder} open={open || folder.troubled > 0} alone={folders.length === 1} />
      ))}
    </table>
  );
}

interface FolderProps {
  readonly folder: Folder;
  readonly open: boolean;
  /** There is no other: it needs no heading. */
  readonly alone: boolean;
}

function FolderRows({ folder, open, alone }: FolderProps) {
  const said = useSignal<boolean | undefined>(undefined);
  const most = useSignal(AT_ONCE);
  const more = folder.handlers.length - most.value;
  const isOpen = said.value ?? open;
  return (
    <tbody>
      {!(alone && folder.name === "") && (
        <tr class="folder">
          <th colSpan={8} scope="rowgroup">
            <button type="button" data-row aria-expanded={isOpen} onClick={() => (said.value = !isOpen)}>
              <span class="caret" aria-hidden="true">
                ›
              </span>
              <span class="mono">{folder.name === "" ? "(no folder)" : `${folder.name}/`}</span>
              <span class="dim">{countText(folder.handlers.length)}</span>
              <span class="sums">{sumsText(folder)}</span>
              {folder.troubled > 0 && <Badge tone="bad" text={`${countText(folder.troubled)} in trouble`} />}
              {folder.off > 0 && <Badge tone="off" text={`${countText(folder.off)} off`} />}
            </button>
          </th>
        </tr>
      )}
      {isOpen && folder.handlers.slice(0, most.value).map(({ name }) => <Row key={name} name={name} />)}
      {isOpen && more > 0 && (
        <tr>
          <td colSpan={8}>
            <button type="button" class="link" onClick={() => (most.value += AT_ONCE)}>
              Show {countText(Math.min(AT_ONCE, more))} more of {countText(folder.handlers.length)}
            </button>
          </td>
        </tr>
      )}
    </tbody>
  );
}

function sumsText({ rate, pending, failed }: Folder): string {
  const parts = [
    `${rateText(rate)}/s`,
    pending > 0 ? `${countText(pending)} waiting` : "",
    failed > 0 ? `${countText(failed)} failed` : "",
  ];
  return parts.filter(Boolean).join(" · ");
}

function Row({ name }: { readonly name: string }) {
  const row = rowOf(name)?.value;
  if (row === undefined) return null;
  // Only a row that tells of times is drawn anew as they pass.
  const hasTimes = row.off.length + row.holds.length + row.rolledBack.length > 0 || row.lastError !== undefined;
  const why = whyText(row, hasTimes ? nowMs.value : 0);
  const isBad = row.lastFailure !== undefined || row.tone === "bad";
  const waiting = (row.pending ?? 0) + (row.pending === undefined ? row.queued : 0);
  return (
    <>
      <tr class={`handler tone-${row.tone}`}>
        <th scope="row">
          <a href={handlerHref(name)} data-row class="cover mono">
            {name}
          </a>
        </th>
        <td class="state">
          <Badge tone={row.tone} text={stateText(row)} />
        </td>
        <td class="subject">
          <span class="mono">{row.subject ?? "—"}</span> <span class="dim">{row.kind}</span>
        </td>
        <Count label="/s" value={rateText(row.rate)} quiet={row.rate === 0} />
        <Count label="failed" value={countText(row.failed)} quiet={row.failed === 0} bad={row.failRate > 0} />
        <Count label="waiting" value={countText(waiting)} quiet={waiting === 0} />
        <Count label="" value={timesText(row)} quiet={row.handled + row.failed === 0} />
        <Count label="replicas" value={`${row.inState}/${row.replicas}`} quiet={row.inState === row.replicas} />
      </tr>
      {why !== "" && (
        <tr class={`why${isBad ? " is-bad" : ""}`}>
          <td colSpan={8}>{why}</td>
        </tr>
      )}
    </>
  );
}

function timesText({ handled, failed, p50Ms, p99Ms }: HandlerRow): string {
  return handled + failed === 0 ? "—" : `${msText(p50Ms)} · ${msText(p99Ms)}`;
}

interface CountProps {
  /** Where there are no headings. */
  readonly label: string;
  readonly value: string;
  readonly quiet: boolean;
  readonly bad?: boolean;
}

function Count({ label, value, quiet, bad = false }: CountProps) {
  return (
    <td class={`number${quiet ? " quiet" : ""}${bad ? " is-bad" : ""}`}>
      {value} <span class="label">{label}</span>
    </td>
  );
}

function NoHandlers() {
  return board.value?.replicas.length === 0 ? (
    <Empty title="No runtime answers">
      <p>
        Nothing of this app runs where this page looks, or this NATS user may not ask. Start one, and it appears here by
        itself:
      </p>
      <Pre>npx handlers dev</Pre>
    </Empty>
  ) : (
    <Empty title="No handlers yet">
      <p>A file in the folder of the handlers is a handler. This writes one, and it is live before you look up:</p>
      <Pre>npx handlers new hello --kind request --subject 'hello.*'</Pre>
    </Empty>
  );
}
