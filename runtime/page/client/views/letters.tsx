// Dead letters: grouped by how and where they failed, filtered, searched; redriven or dropped.

import { useSignal } from "@preact/signals";
import { momentText } from "../../../terminal/time-text.ts";
import type { LetterGroup, LetterList, LetterRow } from "../../answers.ts";
import { board, nowMs } from "../live.ts";
import { Empty } from "../parts/empty.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { Pre } from "../parts/pre.tsx";
import { Search } from "../parts/search.tsx";
import { query, refine } from "../place.ts";
import { lettersHref } from "../route.ts";
import { agoText, countText, plural, shortPlace } from "../words.ts";
import { LetterActions, type Meant } from "./letter-actions.tsx";
import { LetterTimesChart } from "./letter-times.tsx";

const NAMES = ["handler", "reason", "q", "group"] as const;

export function LettersView() {
  const said = Object.fromEntries(NAMES.map((name) => [name, query.value.get(name) ?? ""]));
  const { q: words = "", ...rest } = said;
  const { count, lastSeq } = board.value?.letters ?? { count: 0, lastSeq: 0 };
  const loaded = useLoaded<LetterList>("/api/letters", { ...rest, words }, `${count}/${lastSeq}`);
  const list = loaded.kind === "there" ? loaded.value : undefined;
  const isFiltered = Object.values(said).some((value) => value !== "");
  return (
    <>
      <h1 tabIndex={-1}>Dead letters</h1>
      {loaded.kind === "failed" && <p class="problem">{loaded.why}</p>}
      {list !== undefined && (list.handlers.length > 0 || isFiltered) && <Filters list={list} />}
      {list !== undefined && list.total === 0 && <None isFiltered={isFiltered} />}
      {list !== undefined && list.total > 0 && <Found list={list} said={said} />}
    </>
  );
}

function Filters({ list }: { readonly list: LetterList }) {
  const handler = query.value.get("handler") ?? "";
  const handlers = [...new Set([...list.handlers, ...(handler === "" ? [] : [handler])])].sort();
  return (
    <div class="toolbar">
      <Search label="Search dead letters" hint="Search error, subject, payload   /" />
      <select
        aria-label="Handler"
        value={handler}
        onChange={(event) => refine({ handler: event.currentTarget.value, group: undefined })}
      >
        <option value="">every handler</option>
        {handlers.map((name) => (
          <option value={name}>{name}</option>
        ))}
      </select>
      {query.value.get("reason") !== null && (
        <button type="button" onClick={() => refine({ reason: undefined })}>
          {query.value.get("reason")} ×
        </button>
      )}
    </div>
  );
}

function None({ isFiltered }: { readonly isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No dead letter fits">
      <p>
        They may have been redriven or dropped. <a href="/letters">Show all</a>
      </p>
    </Empty>
  ) : (
    <Empty title="No dead letters">
      <p>
        A message is kept here when its handler has failed it for the last time, or refused it: with its payload, the
        reason and the stack. From here it can be sent again to that one handler.
      </p>
      <p>This makes one in the sample, as the schema refuses it:</p>
      <Pre>{`npx handlers send todo.newitem '{"id":"no id"}'`}</Pre>
    </Empty>
  );
}

interface FoundProps {
  readonly list: LetterList;
  readonly said: Readonly<Record<string, string>>;
}

function Found({ list, said }: FoundProps) {
  const chosen = useSignal<ReadonlySet<number>>(new Set());
  const { total, upTo, groups, letters, searched } = list;
  const here = letters.filter(({ id }) => chosen.value.has(id)).map(({ id }) => id);
  const [group] = groups;
  const inGroup = said.group !== "" && group !== undefined;
  const filter = { handler: said.handler, reason: said.reason, words: said.q, group: said.group };
  const all: Meant = {
    filter: Object.fromEntries([...Object.entries(filter).filter(([, value]) => value !== ""), ["upTo", upTo]]),
  };
  const allText = isNarrow(said) ? plural(total, "letter") : `all ${plural(total, "letter")}`;
  return (
    <>
      {searched !== undefined && searched.of > searched.payloads && (
        <p class="dim">
          Looked through {countText(searched.payloads)} of {countText(searched.of)} payloads, the newest.
        </p>
      )}
      <LetterTimesChart times={list.times} />
      {inGroup ? <OneGroup group={group} /> : <Groups groups={groups} />}
      <div class="toolbar sticky">
        <h2>{inGroup ? plural(total, "letter") : "Letters, newest first"}</h2>
        {here.length > 0 ? (
          <LetterActions
            meant={{ ids: here }}
            what={plural(here.length, "letter")}
            short={countText(here.length)}
            onBegun={() => (chosen.value = new Set())}
          />
        ) : (
          <LetterActions meant={all} what={allText} short={`all ${countText(total)}`} onBegun={() => undefined} />
        )}
      </div>
      <ul class="letters">
        {letters.map((letter) => (
          <Letter
            key={letter.id}
            letter={letter}
            chosen={chosen.value.has(letter.id)}
            onChoose={() => (chosen.value = toggled(chosen.value, letter.id))}
          />
        ))}
      </ul>
      {total > letters.length && (
        <p class="dim">
          The newest {countText(letters.length)} of {countText(total)} are shown. What is done to all is done to all{" "}
          {countText(total)}.
        </p>
      )}
    </>
  );
}

function isNarrow(said: Readonly<Record<string, string>>): boolean {
  return Object.values(said).some((value) => value !== "");
}

function toggled(chosen: ReadonlySet<number>, id: number): ReadonlySet<number> {
  return chosen.has(id) ? new Set([...chosen].filter((other) => other !== id)) : new Set([...chosen, id]);
}

function Groups({ groups }: { readonly groups: readonly LetterGroup[] }) {
  const now = nowMs.value;
  return (
    <section>
      <h2>{groups.length === 1 ? "They failed in one way" : `They failed in ${countText(groups.length)} ways`}</h2>
      <ul class="groups">
        {groups.slice(0, 50).map((group) => (
          <li key={group.key} class="group">
            <span class="group-count">{countText(group.count)}</span>
            <div>
              <a class="cover" data-row href={groupHref(group)}>
                {group.message.split("\n")[0]}
              </a>
              <p class="dim">
                <span class="mono">{group.handler}</span> · {group.reason}
                {group.place !== undefined && (
                  <>
                    {" "}
                    · <span class="mono">{shortPlace(group.place)}</span>
                  </>
                )}
              </p>
            </div>
            <span class="dim when">{agoText(group.lastAtMs, now)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function groupHref({ key }: LetterGroup): string {
  return lettersHref({ ...Object.fromEntries(query.value), group: key });
}

function OneGroup({ group }: { readonly group: LetterGroup }) {
  const now = nowMs.value;
  const { message, handler, reason, place, count, firstAtMs, lastAtMs, versions } = group;
  return (
    <section class="card">
      <p class="crumbs">
        <a href={lettersHref({ ...Object.fromEntries(query.value), group: undefined })}>All groups</a>
      </p>
      <p class="message strong">{message}</p>
      <p class="dim">
        <span class="mono">{handler}</span> · {reason}
        {place !== undefined && <> · {shortPlace(place)}</>}
      </p>
      <p class="dim">
        {countText(count)} between {momentText(firstAtMs, now)} and {momentText(lastAtMs, now)}
        {versions.length > 0 && (
          <>
            {" "}
            · {versions.length === 1 ? "version" : "versions"} {versions.map((one) => one.slice(0, 8)).join(", ")}
          </>
        )}
      </p>
    </section>
  );
}

interface LetterProps {
  readonly letter: LetterRow;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function Letter({ letter, chosen, onChoose }: LetterProps) {
  const { id, handler, reason, message, subject, attempts, redriven, lastFailedAtMs } = letter;
  return (
    <li class="letter">
      <label class="choose">
        <span class="unseen">Choose letter {id}</span>
        <input type="checkbox" checked={chosen} onChange={onChoose} />
      </label>
      <div>
        <a class="cover" data-row href={`/letters/${id}`}>
          {message.split("\n")[0]}
        </a>
        <p class="dim">
          #{id} · <span class="mono">{handler}</span> · <span class="mono">{subject}</span> · {reason} ·{" "}
          {plural(attempts, "run")}
          {redriven > 0 && <> · redriven {redriven === 1 ? "once" : `${redriven} times`}</>}
        </p>
      </div>
      <span class="dim when">{agoText(lastFailedAtMs, nowMs.value)}</span>
    </li>
  );
}
