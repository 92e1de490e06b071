// A payload, as the server has laid it out. Always text.

import type { PayloadView } from "../../answers.ts";
import { pathsOfLines } from "../json-lines.ts";
import { type Problem, textOfPath } from "../schema-check.ts";
import { bytesText } from "../words.ts";
import { Pre } from "./pre.tsx";

const WORDS: Readonly<Record<PayloadView["kind"], string>> = {
  json: "JSON",
  text: "text",
  binary: "bytes, in hexadecimal",
  empty: "",
  gone: "",
  hidden: "",
};

export interface PayloadProps {
  readonly view: PayloadView;
  readonly title?: string;
  /** What of it does not fit its schema. */
  readonly problems?: readonly Problem[];
}

export function Payload({ view, title = "Payload", problems = [] }: PayloadProps) {
  const { kind, bytes, text, cut, masked } = view;
  return (
    <section class="card">
      <header class="card-head">
        <h2>{title}</h2>
        {WORDS[kind] !== "" && (
          <span class="dim">
            {WORDS[kind]} · {bytesText(bytes)}
          </span>
        )}
      </header>
      {kind === "empty" && <p class="dim">It is empty.</p>}
      {kind === "gone" && <p class="dim">It is not to be had any more: too large to keep, and gone from its stream.</p>}
      {kind === "hidden" && (
        <p class="dim">
          {bytesText(bytes)}, not shown. <code>handlers ui --payloads</code> shows them.
        </p>
      )}
      {text !== "" &&
        (problems.length > 0 ? <Marked text={text} problems={problems} /> : <Pre class="payload">{text}</Pre>)}
      {cut && <p class="dim">Only the beginning is shown.</p>}
      {masked && <p class="dim">*** stands for what is named as a secret, as in the log.</p>}
    </section>
  );
}

/** The lines that do not fit, with what is wrong; what is missing is said where it would stand. */
function Marked({ text, problems }: { readonly text: string; readonly problems: readonly Problem[] }) {
  const paths = pathsOfLines(text).map((path) => (path === undefined ? undefined : textOfPath(path)));
  const shown = new Set(paths);
  const wrong = new Map<string, string[]>();
  for (const { path, text: what } of problems) {
    const own = textOfPath(path);
    const [place, said] = shown.has(own)
      ? [own, what]
      : [textOfPath(path.slice(0, -1)), `${String(path.at(-1))} ${what}`];
    wrong.set(place, [...(wrong.get(place) ?? []), said]);
  }
  return (
    <pre class="payload marked" tabIndex={0}>
      {text.split("\n").map((line, at) => {
        const path = paths[at];
        const said = path === undefined ? undefined : wrong.get(path);
        return said === undefined ? (
          `${line}\n`
        ) : (
          <>
            <mark>{line}</mark> <span class="field-problem">← {said.join("; ")}</span>
            {"\n"}
          </>
        );
      })}
    </pre>
  );
}
