// An error as a replica tells of it: what, where, the lines of source, and what to do.

import type { ErrorNote } from "../../answers.ts";
import { nowMs } from "../live.ts";
import { agoText } from "../words.ts";
import { Pre } from "./pre.tsx";

export function ErrorCard({ note }: { readonly note: ErrorNote }) {
  const { code, message, place, frame, remedy, atMs } = note;
  return (
    <article class="error-card">
      <header>
        <strong class="mono">{code}</strong>
        <span class="dim">{atMs === undefined ? "the last version did not come up" : agoText(atMs, nowMs.value)}</span>
      </header>
      <p class="message">{message}</p>
      {place !== undefined && <p class="mono dim">{place}</p>}
      {frame !== undefined && <Pre class="frame">{frame}</Pre>}
      {remedy !== undefined && <p class="remedy">{remedy}</p>}
    </article>
  );
}
