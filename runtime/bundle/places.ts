// Expressions that hold a place, in what esbuild has printed: that of the file they stand in, or one that is found from there.
//
// L1  What begins as a name of ours (import-meta.ts): a URL, a file, a folder.
// L2  What is made of one, and still says where: by `fileURLToPath`, `pathname`, `dirname`, `join`, `resolve`, `new URL`, and by
//     `createRequire`, as long as all that is added are texts.
// L3  A variable that holds one, wherever it is used in its block (scope.ts). Its name may stand in a text as well: only where the source map knows
//     an expression it is one. Where it is assigned anew, nobody knows which place it holds when it is used.
import { endOfBlock } from "./scope.ts";

export interface Place {
  /** "path": of a file or a folder that is not the file's own. */
  readonly kind: "url" | "file" | "path" | "require";
  readonly at: number;
  readonly length: number;
  /** Where the name of ours stands: it says whose code it is. */
  readonly placeAt: number;
  /** From the file's folder; empty: the file itself of "url" and "file", its folder of "path". */
  readonly below: string;
  /** It may be another when it is used. */
  readonly isVague?: boolean;
}

export interface PlacesRequest {
  /** L3 */
  readonly isExpression: (index: number) => boolean;
  /** Whether it is the author's. */
  readonly isAuthored: (index: number) => boolean;
}

export const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`/.source;
export const CALL = String.raw`(?:\(0,\s*)?(?:[\w$]+\.)*`;
const OURS = /\b__natsHandlers_(url|dirname|filename)\b/g;
const TAKEN_APART = /\{([^{}]*)\}\s*=\s*(__natsHandlers_meta)\b/g;
const NAMED = /(?:\b(?:var|let|const)\s+|,\s*)([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=\s*$/u;
const ENDED = /^\s*[,;\n]/;
/** Declared without a value, or given another one. */
const ASSIGNED = /[;{}\n]\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=\s*$/u;
const ASSIGNED_ANEW = /^\s*(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])/;
const MOST_AROUND = 400;
/** Each makes at most a few more. */
const MOST_PLACES = 2_000;

const KINDS = { url: "url", filename: "file", dirname: "path" } as const;

export function placesIn(code: string, { isExpression, isAuthored }: PlacesRequest): Place[] {
  const found = ours(code).filter(({ placeAt }) => isAuthored(placeAt));
  const known = new Set(found.map(({ at }) => at));
  for (const place of found) {
    if (found.length > MOST_PLACES) break;
    const made = wrapped(place, code);
    const uses = variablesOf(place, code).flatMap((variable) => usesOf(variable, place, code));
    for (const next of [...made, ...uses.filter(({ at }) => isExpression(at))]) {
      if (known.has(next.at) && !made.includes(next)) continue;
      known.add(next.at);
      found.push(next);
    }
  }
  return found;
}

/** L1. `const { dirname } = import.meta` too. */
function ours(code: string): Place[] {
  const written = [...code.matchAll(OURS)].map(({ 0: { length }, 1: name, index: at }): Place => {
    return { kind: KINDS[name as keyof typeof KINDS], at, length, placeAt: at, below: "" };
  });
  const takenApart = [...code.matchAll(TAKEN_APART)].flatMap(({ 0: all, 1: fields = "", index }) => {
    const placeAt = index + all.lastIndexOf("__natsHandlers_meta");
    return fields.split(",").flatMap((field): Place[] => {
      const [, name, local = name] =
        /^\s*(url|filename|dirname)(?:\s*:\s*([\p{ID_Continue}$]+))?\s*$/u.exec(field) ?? [];
      if (name === undefined) return [];
      const place: Place = { kind: KINDS[name as keyof typeof KINDS], at: placeAt, length: 0, placeAt, below: "" };
      return usesOf({ name: local!, isVague: false }, place, code);
    });
  });
  return [...written, ...takenApart];
}

/** L2. What the expression right around it is, if it is a place. */
function wrapped(place: Place, code: string): Place[] {
  const { kind, at, length } = place;
  const before = code.slice(Math.max(0, at - MOST_AROUND), at);
  const after = code.slice(at + length, at + length + MOST_AROUND);
  const as = (start: string, end: string, what: Pick<Place, "kind" | "below">): Place => {
    return { ...place, ...what, at: at - start.length, length: start.length + length + end.length };
  };
  const call = (names: string) => new RegExp(`${CALL}(?:${names})\\d*\\)?\\(\\s*$`).exec(before)?.[0];
  const [closed] = /^\s*\)/.exec(after) ?? [];
  if (closed !== undefined) {
    const required = kind === "path" ? undefined : call("createRequire");
    if (required !== undefined) return [as(required, closed, { kind: "require", below: "" })];
    const converted = kind === "url" ? call("fileURLToPath") : undefined;
    if (converted !== undefined) return [as(converted, closed, pathOf(place))];
    const above = kind === "file" || kind === "path" ? call("dirname") : undefined;
    if (above !== undefined) return [as(above, closed, { kind: "path", below: folderOf(place) })];
    const [url, text] = kind === "url" ? (new RegExp(`\\bnew URL\\(\\s*(${TEXT}),\\s*$`).exec(before) ?? []) : [];
    if (url !== undefined) return [as(url, closed, { kind: "url", below: resolved(place.below, contentOf(text!)) })];
  }
  const [pathname] = kind === "url" ? (/^\.pathname\b/.exec(after) ?? []) : [];
  if (pathname !== undefined) return [as("", pathname, pathOf(place))];
  return kind === "path" ? joined(place, call("join|resolve"), after, as) : [];
}

function joined(
  { below }: Place,
  start: string | undefined,
  after: string,
  as: (start: string, end: string, what: Pick<Place, "kind" | "below">) => Place,
): Place[] {
  const [all, listed = ""] = new RegExp(`^((?:\\s*,\\s*(?:${TEXT}))*)\\s*\\)`).exec(after) ?? [];
  if (start === undefined || all === undefined) return [];
  const parts = (listed.match(new RegExp(TEXT, "g")) ?? []).map(contentOf);
  return [as(start, all, { kind: "path", below: [below, ...parts].filter((part) => part !== "").join("/") })];
}

function pathOf({ below }: Place): Pick<Place, "kind" | "below"> {
  return below === "" ? { kind: "file", below } : { kind: "path", below: decoded(below) };
}

function folderOf({ kind, below }: Place): string {
  if (kind === "file") return "";
  return below === "" ? ".." : `${below}/..`;
}

/** As `new URL` does it, as far as it stays relative. */
function resolved(base: string, text: string): string {
  return base.slice(0, base.lastIndexOf("/") + 1) + text;
}

interface Variable {
  readonly name: string;
  readonly isVague: boolean;
}

/** L3 */
function variablesOf({ at, length }: Place, code: string): Variable[] {
  const before = code.slice(Math.max(0, at - MOST_AROUND), at);
  const after = code.slice(at + length, at + length + MOST_AROUND);
  const declared = NAMED.exec(before)?.[1];
  if (declared !== undefined) return ENDED.test(after) ? [{ name: declared, isVague: false }] : [];
  const assigned = ASSIGNED.exec(before)?.[1];
  if (assigned === undefined || !/^\s*;/.test(after)) return [];
  const values = occurrences(assigned, code).filter(({ index }) => isAssigned(assigned, index, code));
  return [{ name: assigned, isVague: values.length > 1 }];
}

function usesOf({ name, isVague }: Variable, place: Place, code: string): Place[] {
  const all = occurrences(name, code).filter(({ index }) => index > place.at);
  const end = endOfBlock(code, place.at, all.at(-1)?.index ?? place.at);
  const uses = all.filter(({ index }) => index <= end);
  const vague = isVague || place.isVague === true || uses.some(({ index }) => isAssigned(name, index, code));
  return uses.map(({ index }) => ({ ...place, at: index, length: name.length, isVague: vague }));
}

function occurrences(name: string, code: string): RegExpExecArray[] {
  const pattern = new RegExp(`(?<![\\p{ID_Continue}$.])${escaped(name)}(?![\\p{ID_Continue}$])`, "gu");
  return [...code.matchAll(pattern)];
}

function isAssigned(name: string, at: number, code: string): boolean {
  return ASSIGNED_ANEW.test(code.slice(at + name.length, at + name.length + MOST_AROUND));
}

/** A name, for a pattern. */
export function escaped(name: string): string {
  return name.replaceAll("$", "\\$");
}

export function contentOf(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
