// Where code names a file by its own place, in what esbuild has printed: there `import.meta` and the like have names of ours
// (import-meta.ts), comments are gone and texts are written in one way, so that few forms remain.
//
// N1  `new URL("./x", import.meta.url)` and `import.meta.resolve("./x")`.
// N2  `join(import.meta.dirname, "x")`, `resolve(...)`, `import.meta.dirname + "/x"` and the same as a template; and so from
//     every other place, and variable that holds one (places.ts).
// N3  `createRequire(import.meta.url)("./x")`, and of a variable that holds it; `require.resolve("./x")`.
// N4  `new Worker(import.meta.filename)` and the like: the file itself.
// N5  `new Worker("./x.js")` and `fork("./x.js")`: from the folder in which the process runs, which is rarely what is meant.
import { CALL, contentOf, escaped, type Place, type PlacesRequest, placesIn, TEXT } from "./places.ts";

export interface Mention {
  /** "cwd": it starts from where the process runs, and not from a place. */
  readonly kind: "url" | "path" | "require" | "cwd";
  /** What may be put in the place of `length` characters at `at`: a URL or a path, as a text. */
  readonly at: number;
  readonly length: number;
  /** Where the place itself stands: it says whose code it is. */
  readonly placeAt: number;
  /** The path, as it is written; of what is put together when it runs, what is known before. */
  readonly path: string;
  readonly isWhole: boolean;
  /** What is done with it, where that is seen. */
  readonly use: "run" | "read" | "unknown";
}

const WHOLE_TEXT = new RegExp(`^\\s*(?:${TEXT})\\s*$`);
const LEADING_TEXT = new RegExp(`^\\s*(?:(${TEXT})\\s*\\+|\`((?:[^\`\\\\$]|\\\\.)*)\\$\\{)`);
const JOINING = new RegExp(`${CALL}\\b(?:join|resolve)\\d*\\)?\\(\\s*$`);
const RUNS = /(?:\bnew\s+(?:[\w$]+\.)*\w*Worker\w*\(|\bimport\(|\bfork\d*\(|\bfilename:)\s*$/;
const READS =
  /\b(?:read\w*|create\w*Stream|open\w*|stat\w*|lstat\w*|exists\w*|access\w*|write\w*|append\w*|mkdir\w*|rm\w*)\(\s*$/;
const MOST_BEFORE = 400;

export function mentionsIn(code: string, request: PlacesRequest): Mention[] {
  const { isExpression, isAuthored } = request;
  const metas = places(code, /\b__natsHandlers_meta\b/g).filter(({ at }) => isAuthored(at));
  const required = places(code, /\b(?:__)?require\d*(?=\.resolve\()/g).filter(
    ({ at }) => isExpression(at) && isAuthored(at),
  );
  return [
    ...placesIn(code, request).flatMap((place) => mentionOf(place, code)),
    ...metas.flatMap((place) => resolveMention(place, code)),
    ...required.flatMap((place) => requireMention(place, code)),
    ...fromWhereItRuns(code).filter(({ at }) => isExpression(at)),
  ];
}

function places(code: string, pattern: RegExp): Place[] {
  return [...code.matchAll(pattern)].map(({ 0: { length }, index: at }) => {
    return { kind: "require", at, length, placeAt: at, below: "" };
  });
}

function mentionOf(place: Place, code: string): Mention[] {
  const mentions = fromPlaceOf(place, code);
  return place.isVague === true ? mentions.map((mention) => ({ ...mention, path: "", isWhole: false })) : mentions;
}

function fromPlaceOf(place: Place, code: string): Mention[] {
  if (place.kind === "path") return folderMention(place, code);
  if (place.kind === "require") return requireMention(place, code);
  return place.kind === "file" ? itself(place, code) : urlMention(place, code);
}

/** N1. */
function urlMention(place: Place, code: string): Mention[] {
  const before = textBefore(code, place.at);
  if (/\bnew URL\(\s*$/.test(before))
    return itself(place, code, place.at - (before.length - before.lastIndexOf("new URL(")));
  const [whole, argument = ""] = /\bnew URL\(((?:(?!\bnew URL\().)*),\s*$/s.exec(before) ?? [];
  if (whole === undefined) return itself(place, code);
  const at = place.at - whole.length;
  const { path, isWhole } = readText(argument);
  const own = { kind: "url", at: at + "new URL(".length, length: argument.length, placeAt: place.placeAt } as const;
  return [{ ...own, path: fromPlace(place, path), isWhole, use: useAt(at, code) }];
}

/** Of a URL: what is added to one takes the place of its last part. */
function fromPlace({ below }: Place, path: string): string {
  const isRelative = !/^[a-z][\w+.-]*:|^\//i.test(path);
  return isRelative ? below.slice(0, below.lastIndexOf("/") + 1) + path : path;
}

/** N2. */
function folderMention({ at, length, placeAt, below }: Place, code: string): Mention[] {
  const before = textBefore(code, at);
  const after = code.slice(at + length, at + length + MOST_BEFORE);
  const [call] = JOINING.exec(before) ?? [];
  if (call !== undefined) {
    const [all, listed = "", end] = new RegExp(`^((?:\\s*,\\s*(?:${TEXT})(?=\\s*[,)]))*)(\\s*\\))?`).exec(after) ?? [];
    const parts = (listed.match(new RegExp(TEXT, "g")) ?? []).map(contentOf);
    const start = at - call.length;
    const isWhole = end !== undefined;
    if (isWhole && parts.length === 0) return [];
    const path = isWhole ? parts.join("/") : parts.map((part) => `${part}/`).join("");
    return [pathMention(start, call.length + length + all!.length, placeAt, `${below}/${path}`, isWhole, code)];
  }
  const [added, text] = new RegExp(`^\\s*\\+\\s*(${TEXT})`).exec(after) ?? [];
  if (added !== undefined) {
    const isWhole = !/^\s*\+/.test(after.slice(added.length));
    return [pathMention(at, length + added.length, placeAt, `${below}/${contentOf(text!)}`, isWhole, code)];
  }
  const [template, rest, end] = /^\s*\}((?:[^`\\$]|\\.)*)(`|\$\{)/.exec(after) ?? [];
  if (template === undefined || !/`\$\{\s*$/.test(before)) return [];
  const start = at - (before.length - before.lastIndexOf("`"));
  return [pathMention(start, at - start + length + template.length, placeAt, `${below}/${rest}`, end === "`", code)];
}

function pathMention(
  at: number,
  length: number,
  placeAt: number,
  text: string,
  isWhole: boolean,
  code: string,
): Mention {
  const path = `./${text}`.replace(/\/+/g, "/");
  return { kind: "path", at, length, placeAt, path, isWhole, use: useAt(at, code) };
}

function resolveMention({ at, length }: Place, code: string): Mention[] {
  const [all, call, text] =
    new RegExp(`^(\\.resolve\\(\\s*)(${TEXT})(?=\\s*\\))`).exec(code.slice(at + length, at + length + MOST_BEFORE)) ??
    [];
  if (all === undefined || !/^.\.{0,2}\//.test(text!)) return [];
  const path = contentOf(text!);
  return [
    {
      kind: "url",
      at: at + length + call!.length,
      length: text!.length,
      placeAt: at,
      path,
      isWhole: true,
      use: useAt(at, code),
    },
  ];
}

/** N3. */
function requireMention({ placeAt, at, length }: Place, code: string): Mention[] {
  const end = at + length;
  const after = code.slice(end, end + MOST_BEFORE);
  const [, call, text] = new RegExp(`^((?:\\.resolve)?\\(\\s*)(${TEXT})(?=\\s*\\))`).exec(after) ?? [];
  if (text === undefined) return [];
  const path = contentOf(text);
  // What resolves a path gives it to whoever loads it.
  const isPath = call!.startsWith(".resolve") && /^\.{0,2}\//.test(path);
  const use = call!.startsWith(".resolve") ? "unknown" : "run";
  const argument = { at: end + call!.length, length: text.length, placeAt, path, isWhole: true, use } as const;
  return [{ kind: isPath ? "path" : "require", ...argument }];
}

/** N5. */
function fromWhereItRuns(code: string): Mention[] {
  const [workers, forks] = ["Worker", "fork"].map((name) => {
    const renamed = [...code.matchAll(new RegExp(`\\b${name} as ([\\w$]+)`, "g"))].map(([, local = ""]) =>
      escaped(local),
    );
    return [`\\w*${name}\\w*`, ...renamed].join("|");
  });
  const run = `(?:\\bnew\\s+(?:[\\w$]+\\.)*(?:${workers})|(?<![.\\w$])${CALL}(?:${forks}))\\)?\\(\\s*(${TEXT})`;
  return [...code.matchAll(new RegExp(run, "g"))].flatMap(({ 0: { length: all }, 1: text = "", index }): Mention[] => {
    const path = contentOf(text);
    const at = index + all - text.length;
    const { length } = text;
    return /^\.{1,2}\//.test(path) ? [{ kind: "cwd", at, length, placeAt: at, path, isWhole: true, use: "run" }] : [];
  });
}

/** N4. `usedAt`: where the expression around it begins. */
function itself({ kind, at, length, placeAt, below }: Place, code: string, usedAt = at): Mention[] {
  if (below !== "" || useAt(usedAt, code) !== "run") return [];
  return [{ kind: kind === "url" ? "url" : "path", at, length, placeAt, path: "", isWhole: true, use: "run" }];
}

function useAt(at: number, code: string): Mention["use"] {
  const before = textBefore(code, at).replace(
    /(?:\(0,\s*)?(?:[\w$]+\.)*(?:fileURLToPath|pathToFileURL|String)\d*\)?\(\s*$/,
    "",
  );
  return RUNS.test(before) ? "run" : READS.test(before) ? "read" : "unknown";
}

function textBefore(code: string, at: number): string {
  return code.slice(Math.max(0, at - MOST_BEFORE), at);
}

function readText(argument: string): { path: string; isWhole: boolean } {
  if (WHOLE_TEXT.test(argument)) return { path: contentOf(argument.trim()), isWhole: true };
  const [, added, template] = LEADING_TEXT.exec(argument) ?? [];
  return { path: added === undefined ? (template ?? "") : contentOf(added), isWhole: false };
}
