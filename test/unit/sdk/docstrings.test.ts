// What a user hovers over must tell something: every field that the sdk exports has a line of its own.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SDK = fileURLToPath(new URL("../../../sdk/", import.meta.url));

interface Field {
  readonly place: string;
  readonly documented: boolean;
}

/** The fields and methods of exported interfaces, nested objects included. */
function fieldsOf(file: string, text: string): Field[] {
  let exported = "";
  let before = "";
  const fields: Field[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const [, name] = /^export interface (\w+)/.exec(line) ?? [];
    if (name !== undefined) exported = name;
    else if (/^}/.test(line)) exported = "";
    const [, field] = /^\s{2,}(?:readonly )?(\w+)\??(?:<.*|\(.*)?(?::|\()/.exec(line) ?? [];
    const isField =
      exported !== "" && field !== undefined && !/^\s{2,}(target|data|options|event|definition):?/.test(line);
    // Further signatures of a documented method need no line of their own.
    const again = fields.at(-1)?.place.endsWith(`.${field}`) === true;
    if (isField && !again)
      fields.push({ place: `${file}:${index + 1} ${exported}.${field}`, documented: /\*\/$/.test(before.trim()) });
    if (line.trim() !== "") before = line;
  }
  return fields;
}

const fields = readdirSync(SDK)
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => fieldsOf(file, readFileSync(`${SDK}${file}`, "utf8")));

describe("the sdk's docstrings", () => {
  it("are looked for where there are fields", () => {
    expect(fields.length).toBeGreaterThan(70);
    expect(fieldsOf("a.ts", "export interface A {\n  b?: string;\n}")).toEqual([
      { place: "a.ts:2 A.b", documented: false },
    ]);
  });

  it("are there for every field of an exported interface", () => {
    expect(fields.filter(({ documented }) => !documented).map(({ place }) => place)).toEqual([]);
  });
});
