// A form as the schema of a message asks for it. It shows and changes one value, which the JSON beside it shows as well.

import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { type Path, type Problem, textOfPath } from "../schema-check.ts";
import { exampleOf, type Field, withAt } from "../schema-form.ts";

export interface FieldsProps {
  readonly field: Field;
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly onChange: (value: unknown) => void;
}

/** Of a whole payload. */
export function FormFields({ field, value, problems, onChange }: FieldsProps) {
  const change = (path: Path, to: unknown) => onChange(withAt(value, path, to));
  return <Any field={field} value={value} path={[]} name="" isRequired problems={problems} change={change} />;
}

interface AnyProps {
  readonly field: Field;
  readonly value: unknown;
  readonly path: Path;
  readonly name: string;
  readonly isRequired: boolean;
  readonly problems: readonly Problem[];
  readonly change: (path: Path, to: unknown) => void;
}

function Any(props: AnyProps) {
  const { field, value, path, change, isRequired } = props;
  if (value === null && field.isNullable)
    return (
      <Group {...props} note="null">
        <button type="button" class="small" onClick={() => change(path, exampleOf(field))}>
          Set a value
        </button>
      </Group>
    );
  const isPart = field.kind === "object" || field.kind === "list" || field.kind === "one-of";
  if (!isPart) return <Single {...props} />;
  if (value === undefined && path.length > 0 && !isRequired)
    return (
      <Group {...props} note="not there">
        <button type="button" class="small" onClick={() => change(path, exampleOf(field))}>
          Add
        </button>
      </Group>
    );
  if (field.kind === "object") return <ObjectFields {...props} fields={field.fields} />;
  if (field.kind === "list") return <ListFields {...props} entry={field.entry} />;
  return <Choices {...props} choices={field.choices} />;
}

function Group(props: AnyProps & { readonly note?: string; readonly children: preact.ComponentChildren }) {
  const { field, value, path, name, isRequired, change, note, children } = props;
  if (path.length === 0) return <div class="fields">{children}</div>;
  return (
    <fieldset class="fields nested">
      <legend>
        {field.title ?? name}
        {note !== undefined && <span class="dim"> {note}</span>}
        {value !== undefined && field.isNullable && value !== null && (
          <button type="button" class="link" onClick={() => change(path, null)}>
            null
          </button>
        )}
        {value !== undefined && !isRequired && (
          <button
            type="button"
            class="link"
            aria-label={`Remove ${textOfPath(path)}`}
            onClick={() => change(path, undefined)}
          >
            remove
          </button>
        )}
      </legend>
      {field.note !== undefined && <p class="dim">{field.note}</p>}
      {children}
      <Wrong {...props} />
    </fieldset>
  );
}

function Wrong({ path, problems }: Pick<AnyProps, "path" | "problems">) {
  const key = textOfPath(path);
  const [own] = problems.filter((problem) => textOfPath(problem.path) === key);
  return own === undefined ? null : <span class="field-problem">{own.text}</span>;
}

function ObjectFields(props: AnyProps & { readonly fields: Extract<Field, { kind: "object" }>["fields"] }) {
  const { value, path, fields } = props;
  const known = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  return (
    <Group {...props}>
      {fields.map(({ name, isRequired, field }) => (
        <Any
          key={name}
          {...props}
          field={field}
          name={name}
          isRequired={isRequired}
          value={Object.hasOwn(known, name) ? known[name] : undefined}
          path={[...path, name]}
        />
      ))}
    </Group>
  );
}

function ListFields(props: AnyProps & { readonly entry: Field }) {
  const { value, path, entry, change, name } = props;
  const list = Array.isArray(value) ? value : [];
  return (
    <Group {...props}>
      {list.map((one, at) => (
        <Any {...props} field={entry} name={`${name} ${at + 1}`} isRequired={false} value={one} path={[...path, at]} />
      ))}
      <button type="button" class="small" onClick={() => change(path, [...list, exampleOf(entry)])}>
        Add to {name === "" ? "the list" : name}
      </button>
    </Group>
  );
}

function Choices(props: AnyProps & { readonly choices: Extract<Field, { kind: "one-of" }>["choices"] }) {
  const { value, path, choices, change, name } = props;
  const picked = useSignal(
    Math.max(
      0,
      choices.findIndex(({ field }) => isLike(field, value)),
    ),
  );
  const choice = choices[picked.value];
  return (
    <Group {...props}>
      <label>
        Which {name}
        <select
          value={String(picked.value)}
          onChange={(event) => {
            picked.value = Number(event.currentTarget.value);
            const field = choices[picked.value]?.field;
            if (field !== undefined) change(path, exampleOf(field));
          }}
        >
          {choices.map(({ title }, at) => (
            <option value={String(at)}>{title}</option>
          ))}
        </select>
      </label>
      {choice !== undefined && <Any {...props} field={choice.field} isRequired />}
    </Group>
  );
}

/** By its kind, and by fields that can have one value only. */
function isLike(field: Field, value: unknown): boolean {
  if (field.kind === "object") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    return field.fields.every(
      ({ name, field: inner }) =>
        inner.kind !== "choice" ||
        inner.values.length !== 1 ||
        (value as Record<string, unknown>)[name] === inner.values[0],
    );
  }
  if (field.kind === "list") return Array.isArray(value);
  if (field.kind === "choice") return field.values.includes(value);
  return field.kind === "text" ? typeof value === "string" : typeof value === field.kind;
}

function Single(props: AnyProps) {
  const { field, path, name, isRequired } = props;
  const id = useId();
  const label = field.title ?? (name === "" ? "Value" : name);
  return (
    <div class="field">
      <label for={id}>
        {label}
        {!isRequired && <span class="dim"> optional</span>}
        {field.note !== undefined && <span class="dim note"> {field.note}</span>}
      </label>
      <Input {...props} id={id} />
      <Wrong path={path} problems={props.problems} />
    </div>
  );
}

function Input({ id, ...props }: AnyProps & { readonly id: string }) {
  const { field, value, path, isRequired, change } = props;
  if (field.kind === "choice" || field.kind === "boolean") {
    const values = field.kind === "choice" ? field.values : [true, false];
    const at = values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value));
    return (
      <select
        id={id}
        value={String(at)}
        onChange={(event) => change(path, values[Number(event.currentTarget.value)] ?? undefined)}
      >
        {(at === -1 || !isRequired) && <option value="-1">—</option>}
        {values.map((one, index) => (
          <option value={String(index)}>{typeof one === "string" ? one : JSON.stringify(one)}</option>
        ))}
      </select>
    );
  }
  if (field.kind === "json") return <JsonInput {...props} id={id} />;
  if (field.kind === "number")
    return (
      <input
        id={id}
        type="number"
        step={field.isWhole ? "1" : "any"}
        value={typeof value === "number" ? String(value) : ""}
        onInput={(event) => {
          const text = event.currentTarget.value;
          change(path, text === "" ? undefined : Number(text));
        }}
      />
    );
  const format = field.kind === "text" ? (field.format ?? "") : "";
  return (
    <span class="field-input">
      <input
        id={id}
        spellcheck={false}
        autocomplete="off"
        value={typeof value === "string" ? value : ""}
        onInput={(event) => {
          const text = event.currentTarget.value;
          // An empty field of an optional value is one that is not there.
          change(path, text === "" && !isRequired ? undefined : text);
        }}
      />
      {format === "uuid" && (
        <button type="button" class="small" onClick={() => change(path, crypto.randomUUID())}>
          New
        </button>
      )}
      {format === "date-time" && (
        <button type="button" class="small" onClick={() => change(path, new Date().toISOString())}>
          Now
        </button>
      )}
    </span>
  );
}

function JsonInput({ id, value, path, change }: AnyProps & { readonly id: string }) {
  const typing = useSignal<string | undefined>(undefined);
  const wrong = typing.value !== undefined && typing.value.trim() !== "" && parsed(typing.value) === undefined;
  return (
    <>
      <textarea
        id={id}
        class="mono"
        rows={3}
        spellcheck={false}
        value={typing.value ?? (value === undefined ? "" : JSON.stringify(value, null, 2))}
        onInput={(event) => {
          const text = event.currentTarget.value;
          typing.value = text;
          const read = parsed(text);
          if (text.trim() === "") change(path, undefined);
          else if (read !== undefined) change(path, read.value);
        }}
        onBlur={() => {
          if (!wrong) typing.value = undefined;
        }}
      />
      {wrong && <span class="field-problem">is no JSON</span>}
    </>
  );
}

export function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
