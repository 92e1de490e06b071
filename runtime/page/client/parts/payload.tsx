// A payload, as the server has laid it out. Always text.

import type { PayloadView } from "../../answers.ts";
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

export function Payload({ view, title = "Payload" }: { readonly view: PayloadView; readonly title?: string }) {
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
      {text !== "" && <Pre class="payload">{text}</Pre>}
      {cut && <p class="dim">Only the beginning is shown.</p>}
      {masked && <p class="dim">*** stands for what is named as a secret, as in the log.</p>}
    </section>
  );
}
