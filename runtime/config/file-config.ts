// What the configuration file exports, checked against the schema, each problem with its line.

import type { z } from "zod";
import type { SourcePlace } from "../errors.ts";
import { CONFIG_LITERAL, locate } from "../metadata/locate.ts";
import { didYouMean } from "../metadata/nearest.ts";
import { quote } from "../metadata/options.ts";
import { overlaps } from "../metadata/subject.ts";
import type { ConfigProblems } from "./problems.ts";
import { type FileConfig, userConfigSchema } from "./user-config-schema.ts";

/** A configuration file once evaluated. */
export interface EvaluatedFile {
  /** Absolute path. */
  readonly path: string;
  /** Path from the root, for messages. */
  readonly displayPath: string;
  readonly source: string;
  /** Its default export. */
  readonly value: unknown;
  /** Absolute paths of the file and of what it imports of the author's. */
  readonly inputs: readonly string[];
}

type Path = readonly (string | number)[];

/** The file's settings; those that are wrong are noted and left out with all the others. */
export function readFileConfig(file: EvaluatedFile | undefined, problems: ConfigProblems): FileConfig {
  if (file === undefined) return {};
  const note = (path: Path, text: string) => problems.add(placeIn(file, path), `${formatPath(path)} ${text}`.trim());
  const parsed = userConfigSchema.safeParse(file.value, { reportInput: true });
  if (!parsed.success) {
    for (const issue of parsed.error.issues) noteIssue(issue, note);
    return {};
  }
  checkStreams(parsed.data.streams ?? [], note);
  return parsed.data;
}

export function placeIn(file: EvaluatedFile, path: Path): SourcePlace {
  return { file: file.displayPath, ...locate(file.source, CONFIG_LITERAL, path) };
}

function noteIssue(issue: z.core.$ZodIssue, note: (path: Path, text: string) => void): void {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(userConfigSchema, path);
    for (const key of issue.keys) {
      note([...path, key], `is not an option.${didYouMean(key, known) || ` There are: ${known.join(", ")}.`}`);
    }
    return;
  }
  if (issue.code === "custom") {
    note(path, issue.message);
    return;
  }
  const expected = issue.code === "invalid_type" && issue.expected === "array" ? "a list" : "an object";
  note(path, `${path.length === 0 ? "the default export " : ""}must be ${expected}; received ${quote(issue.input)}`);
}

interface Described {
  readonly shape?: Readonly<Record<string, Described>>;
  readonly def?: { readonly innerType?: Described; readonly element?: Described };
}

/** The options known at a place of the schema. */
function keysAt(schema: unknown, path: Path): readonly string[] {
  let at = unwrap(schema as Described);
  for (const part of path) at = unwrap(typeof part === "number" ? at?.def?.element : at?.shape?.[part]);
  return Object.keys(at?.shape ?? {});
}

function unwrap(schema: Described | undefined): Described | undefined {
  return schema?.def?.innerType === undefined ? schema : unwrap(schema.def.innerType);
}

/** NATS takes each subject into one stream only. */
function checkStreams(streams: NonNullable<FileConfig["streams"]>, note: (path: Path, text: string) => void): void {
  for (const [index, stream] of streams.entries()) {
    if (stream.subjects.length === 0)
      note(["streams", index, "subjects"], "must list at least one subject; received []");
    for (const other of streams.slice(0, index)) {
      if (other.name === stream.name) note(["streams", index, "name"], `"${stream.name}" is the name of two streams`);
      const pair = stream.subjects.flatMap((a) => other.subjects.filter((b) => overlaps(a, b)).map((b) => [a, b]))[0];
      if (pair === undefined) continue;
      const text = `"${pair[0]}" overlaps "${pair[1]}" of stream "${other.name}": a subject goes into one stream only`;
      note(["streams", index, "subjects"], text);
    }
  }
}

/** `streams[0].maxAge` */
function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}
