// How something stands: a colour and a sign, and the word.

import type { Tone } from "../../answers.ts";
import { SIGNS } from "../words.ts";

export function Badge({ tone, text }: { readonly tone: Tone; readonly text: string }) {
  return (
    <span class={`badge tone-${tone}`}>
      <Sign tone={tone} />
      {text}
    </span>
  );
}

export function Sign({ tone }: { readonly tone: Tone }) {
  return (
    <span class={`sign tone-${tone}`} aria-hidden="true">
      {SIGNS[tone]}
    </span>
  );
}
