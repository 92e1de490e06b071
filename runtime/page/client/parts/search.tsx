// The field that `/` leads to. What is typed stands in the address.

import { query, refine } from "../place.ts";

export function Search({ label, hint }: { readonly label: string; readonly hint: string }) {
  return (
    <input
      class="search"
      type="search"
      data-search
      aria-label={label}
      placeholder={hint}
      value={query.value.get("q") ?? ""}
      onInput={(event) => refine({ q: event.currentTarget.value })}
    />
  );
}
