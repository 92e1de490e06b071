// One dead letter with everything that is kept of it.

import { momentText } from "../../../terminal/time-text.ts";
import type { LetterDetail, SchemaView } from "../../answers.ts";
import { may } from "../api.ts";
import { pathsOfLines } from "../json-lines.ts";
import { nowMs } from "../live.ts";
import { Empty } from "../parts/empty.tsx";
import { Fact } from "../parts/fact.tsx";
import { parsed } from "../parts/form-fields.tsx";
import { Headers } from "../parts/headers.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { Payload } from "../parts/payload.tsx";
import { Pre } from "../parts/pre.tsx";
import { go } from "../place.ts";
import { handlerHref, hrefWith, lettersHref } from "../route.ts";
import { type Problem, problemsOf, textOfPath } from "../schema-check.ts";
import { agoText, plural } from "../words.ts";
import { LetterActions } from "./letter-actions.tsx";

export function LetterView({ id }: { readonly id: number }) {
  const loaded = useLoaded<LetterDetail>("/api/letter", { id: String(id) }, id);
  return (
    <>
      <p class="crumbs">
        <a href="/letters">Dead letters</a>
      </p>
      <h1 tabIndex={-1}>Dead letter {id}</h1>
      {loaded.kind === "failed" && (
        <Empty title="It cannot be shown">
          <p>{loaded.why}</p>
        </Empty>
      )}
      {loaded.kind === "there" && <Letter letter={loaded.value} />}
    </>
  );
}

function Letter({ letter }: { readonly letter: LetterDetail }) {
  const now = nowMs.value;
  const { id, handler, reason, message, stack, subject, headers, payload, attempts, redriven } = letter;
  return (
    <>
      <div class="headline">
        <span class="badge tone-bad">{reason}</span>
        <div class="buttons">
          {(may("mend") || may("send")) && payload.kind !== "hidden" && payload.kind !== "gone" && (
            <a class="button" href={hrefWith("/send", { letter: String(id) })}>
              Edit and send again
            </a>
          )}
          <LetterActions meant={{ ids: [id] }} what="this letter" short="it" onBegun={() => go("/letters")} />
        </div>
      </div>
      <section class="card">
        <p class="message strong">{message}</p>
        {stack !== undefined && <Pre class="stack">{withoutMessage(stack, message)}</Pre>}
      </section>
      <dl class="facts">
        <Fact name="Handler">
          <a class="mono" href={handlerHref(handler)}>
            {handler}
          </a>{" "}
          <a href={lettersHref({ handler })}>its letters</a>
        </Fact>
        <Fact name="Subject">
          <span class="mono">{subject}</span>
        </Fact>
        {letter.stream !== undefined && (
          <Fact name="Stored in">
            {letter.stream}, {letter.sequence}
          </Fact>
        )}
        <Fact name="Runs">
          {plural(attempts, "run")}
          {redriven > 0 && `, redriven ${redriven === 1 ? "once" : `${redriven} times`}`}
        </Fact>
        <Fact name="Failed">
          {momentText(letter.lastFailedAtMs, now)} ({agoText(letter.lastFailedAtMs, now)})
        </Fact>
        {letter.firstFailedAtMs !== undefined && <Fact name="First">{momentText(letter.firstFailedAtMs, now)}</Fact>}
        {letter.version !== undefined && (
          <Fact name="Version">
            <span class="mono">{letter.version.slice(0, 8)}</span>
          </Fact>
        )}
        <Fact name="Replica">
          <span class="mono">{letter.instance}</span>
        </Fact>
      </dl>
      <Payload view={payload} problems={useProblems(letter)} />
      <Headers pairs={headers} />
    </>
  );
}

/** What the handler's schema, as it is now, has against the payload. What is hidden of it is not known here. */
function useProblems({ handler, payload }: LetterDetail): readonly Problem[] {
  const loaded = useLoaded<SchemaView>("/api/schema", { name: handler }, handler);
  if (payload.kind !== "json" || payload.cut || loaded.kind !== "there" || loaded.value.schema === undefined) return [];
  const read = parsed(payload.text);
  const hidden = new Set(
    payload.masked
      ? pathsOfLines(payload.text).flatMap((path, at) => (isHidden(payload.text, at) && path ? textOfPath(path) : []))
      : [],
  );
  return read === undefined
    ? []
    : problemsOf(read.value, loaded.value.schema).filter(({ path }) => !hidden.has(textOfPath(path)));
}

function isHidden(text: string, line: number): boolean {
  return text.split("\n")[line]?.includes("***") ?? false;
}

/** A stack begins with the message it belongs to. */
function withoutMessage(stack: string, message: string): string {
  const [first = "", ...rest] = stack.split(/\n(?=\s+at )/);
  return first.endsWith(message) && rest.length > 0 ? rest.join("\n") : stack;
}
