// What a handler takes, as JSON Schema: asked for only when somebody wants to see it, as a replica has to load the handler.

import { useSignal } from "@preact/signals";
import type { HandlerRow, SchemaView } from "../../answers.ts";
import { useLoaded } from "../parts/loaded.ts";
import { Pre } from "../parts/pre.tsx";

export function HandlerSchema({ row }: { readonly row: HandlerRow }) {
  const isOpen = useSignal(false);
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>What it takes and publishes</summary>
      {row.publishes.length > 0 && (
        <p>
          It says that it publishes <span class="mono">{row.publishes.join(", ")}</span>.
        </p>
      )}
      {isOpen.value && <Shown row={row} />}
    </details>
  );
}

function Shown({ row: { name, versions } }: { readonly row: HandlerRow }) {
  const loaded = useLoaded<SchemaView>("/api/schema", { name }, versions.map(({ version }) => version).join());
  if (loaded.kind === "loading") return <p class="dim">A replica is asked.</p>;
  if (loaded.kind === "failed") return <p class="dim">{loaded.why}</p>;
  const { schema, problem } = loaded.value;
  if (schema === undefined) return <p class="dim">Its schema is not shown: {problem}.</p>;
  return <Pre class="payload">{JSON.stringify(schema, null, 2)}</Pre>;
}
