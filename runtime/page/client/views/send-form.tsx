// The form above the JSON of a message, where whoever takes it has a schema: both show the same.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { HandlerRow, SchemaView } from "../../answers.ts";
import { FormFields, parsed } from "../parts/form-fields.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { problemsOf, textOfPath } from "../schema-check.ts";
import { exampleOf, fieldOf } from "../schema-form.ts";

export interface SendFormProps {
  /** Who takes it: the first that has a schema asks. */
  readonly handlers: readonly Pick<HandlerRow, "name" | "versions">[];
  readonly payload: string;
  readonly onChange: (payload: string) => void;
}

export function SendForm({ handlers, payload, onChange }: SendFormProps) {
  const at = useSignal(0);
  const asked = handlers[Math.min(at.value, handlers.length - 1)];
  const handler = asked?.name ?? "";
  const versions = asked?.versions.map(({ version }) => version).join();
  const loaded = useLoaded<SchemaView>("/api/schema", { name: handler }, versions);
  const found = loaded.kind === "there" && loaded.value.handler === handler ? loaded.value : undefined;
  const isLast = at.value >= handlers.length - 1;
  const hasNone = found !== undefined && found.schema === undefined;
  useEffect(() => {
    if (hasNone && !isLast) at.value++;
  }, [hasNone, isLast, handler]);
  if (found === undefined || (hasNone && !isLast)) return null;
  const { schema, problem } = found;
  if (schema === undefined)
    return (
      <p class="dim">
        There is no form for it: {handler}: {problem}.
      </p>
    );
  return <Form schema={schema} payload={payload} onChange={onChange} handler={handler} />;
}

type FormProps = Omit<SendFormProps, "handlers"> & {
  readonly handler: string;
  readonly schema: Readonly<Record<string, unknown>>;
};

function Form({ schema, payload, onChange, handler }: FormProps) {
  const field = useMemo(() => fieldOf(schema), [schema]);
  const read = payload.trim() === "" ? { value: undefined } : parsed(payload);
  const lay = (value: unknown) => onChange(value === undefined ? "" : JSON.stringify(value, null, 2));
  const problems = read?.value === undefined ? [] : problemsOf(read.value, schema);
  return (
    <section class="message-form" aria-label="Form">
      <header class="card-head">
        <span class="dim">
          As <span class="mono">{handler}</span> wants it
        </span>
        <button type="button" class="small" onClick={() => lay(exampleOf(field))}>
          Fill in an example
        </button>
      </header>
      {read === undefined ? (
        <p class="dim">The payload below is not JSON: the form is back when it is.</p>
      ) : (
        <FormFields field={field} value={read.value} problems={problems} onChange={lay} />
      )}
      {problems.length > 0 && (
        <p class="field-problem" role="status">
          The schema would refuse it:{" "}
          {problems.map(({ path, text }) => `${textOfPath(path) || "it"} ${text}`).join("; ")}.
        </p>
      )}
    </section>
  );
}
