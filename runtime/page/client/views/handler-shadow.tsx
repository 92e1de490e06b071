// What a handler would do differently: found out by `handlers shadow`, on messages that were stored.

import { momentText } from "../../../terminal/time-text.ts";
import type { ShadowAnswer, ShadowReport } from "../../answers.ts";
import { nowMs } from "../live.ts";
import { useLoaded } from "../parts/loaded.ts";
import { Pre } from "../parts/pre.tsx";
import { countText, msText, plural } from "../words.ts";

const AGAIN_MS = 5_000;

export function Shadowed({ name }: { readonly name: string }) {
  const loaded = useLoaded<ShadowAnswer>("/api/shadow", { name }, Math.floor(nowMs.value / AGAIN_MS));
  if (loaded.kind !== "there" || loaded.value.report === undefined) return null;
  const { atMs, messages, stream, versions, before, after, took, differences, differing } = loaded.value.report;
  return (
    <section>
      <h2>Tried on stored messages</h2>
      <p class={`sentence ${differences.length === 0 ? "is-good" : "is-bad"}`}>
        {differences.length === 0
          ? `No difference in ${plural(messages, "message")}.`
          : `${plural(differences.length, "difference")}, in ${countText(differing)} of ${plural(messages, "message")}.`}
      </p>
      <p class="dim">
        {momentText(atMs, nowMs.value)}, stream <span class="mono">{stream}</span>. Before:{" "}
        <span class="mono">{versions.before}</span>, {before}, half in {msText(took.before.p50Ms)}. After:{" "}
        <span class="mono">{versions.after}</span>, {after}, half in {msText(took.after.p50Ms)}.
      </p>
      {differences.length > 0 && (
        <ul class="lines card">
          {differences.map(({ what, messages: having, examples }) => (
            <li key={what}>
              <strong class="mono">{what}</strong> <span class="dim">{plural(having, "message")}</span>
              {examples.length > 0 && <Pre>{examples.map(exampleText).join("\n")}</Pre>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

type Example = ShadowReport["differences"][number]["examples"][number];

function exampleText({ sequence, before, after }: Example): string {
  const indent = " ".repeat(String(sequence).length);
  return `${sequence}  - ${before}\n${indent}  + ${after}`;
}
