// What a handler says of itself, with what it takes as JSON Schema: asked for only when somebody wants to see it, as a replica has to load the handler.

import { useSignal } from "@preact/signals";
import type { HandlerRow, SchemaView } from "../../answers.ts";
import { metadataLines } from "../metadata-text.ts";
import { Fact } from "../parts/fact.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { Pre } from "../parts/pre.tsx";

export function HandlerSchema({ row }: { readonly row: HandlerRow }) {
  const isOpen = useSignal(false);
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>Its metadata and schema</summary>
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
  const { schema, problem, metadata } = loaded.value;
  return (
    <>
      {metadata !== undefined && (
        <dl class="facts">
          {metadataLines(metadata).map(([option, text]) => (
            <Fact key={option} name={option}>
              {text}
            </Fact>
          ))}
        </dl>
      )}
      {schema === undefined ? (
        <p class="dim">Its schema is not shown: {problem}.</p>
      ) : (
        <Pre class="payload">{JSON.stringify(schema, null, 2)}</Pre>
      )}
    </>
  );
}
