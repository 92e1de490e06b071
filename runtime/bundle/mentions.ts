// Where code names a file by its own place, in what esbuild has printed: there `import.meta` and the like have names of ours
// (import-meta.ts), comments are gone and texts are written in one way, so that few forms remain.
//
// N1  `new URL("./x", import.meta.url)` and `import.meta.resolve("./x")`.
// N2  `join(import.meta.dirname, "x")`, `resolve(...)`, `import.meta.dirname + "/x"` and the same as a template; `__dirname`
//     means the same, and so does a variable that is made of `import.meta.url` by `dirname` and `fileURLToPath`.
// N3  `createRequire(import.meta.url)("./x")`, and of a variable that holds it.
// N4  `new Worker(import.meta.filename)` and the like: the file itself.
// N5  `new Worker("./x.js")` and `fork("./x.js")`: from the folder in which the process runs, which is rarely what is meant.
// N6  A variable's name may stand in a text as well. Only where the source map knows an expression it is one.

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

const PLACE = /\b__natsHandlers_(url|dirname|filename|meta)\b/g;
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`/.source;
const WHOLE_TEXT = new RegExp(`^\\s*(?:${TEXT})\\s*$`);
const LEADING_TEXT = new RegExp(`^\\s*(?:(${TEXT})\\s*\\+|\`((?:[^\`\\\\$]|\\\\.)*)\\$\\{)`);
const NAMED = /(?:\b(?:var|let|const)\s+|,\s*)([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=\s*/u.source;
const CALL = String.raw`(?:\(0,\s*)?(?:[\w$]+\.)*`;
const OF_FILE = String.raw`${CALL}fileURLToPath\d*\)?\(\s*__natsHandlers_url\s*\)|__natsHandlers_filename\b`;
const JOINING = new RegExp(`${CALL}\\b(?:join|resolve)\\d*\\)?\\(\\s*$`);
const RUNS = /(?:\bnew\s+(?:[\w$]+\.)*\w*Worker\w*\(|\bimport\(|\bfork\d*\(|\bfilename:)\s*$/;
const READS =
  /\b(?:read\w*|create\w*Stream|open\w*|stat\w*|lstat\w*|exists\w*|access\w*|write\w*|append\w*|mkdir\w*|rm\w*)\(\s*$/;
const MOST_BEFORE = 400;

/** `isExpression`: N6. */
export function mentionsIn(code: string, isExpression: (index: number) => boolean): Mention[] {
  return [...mentionsByPlace(code, isExpression), ...fromWhereItRuns(code).filter(({ at }) => isExpression(at))];
}

function mentionsByPlace(code: string, isExpression: (index: number) => boolean): Mention[] {
  const places = [...code.matchAll(PLACE)];
  if (places.length === 0) return [];
  const files = variables(code, OF_FILE);
  const ofFile = [OF_FILE, ...files.map(({ name }) => escaped(name))].join("|");
  const folders = variables(code, String.raw`${CALL}dirname\d*\)?\(\s*(?:${ofFile})\s*\)|__natsHandlers_dirname\b`);
  const requires = variables(code, String.raw`${CALL}createRequire\d*\)?\(\s*(?:__natsHandlers_url|${ofFile})\s*\)`);
  const used = (known: readonly Variable[]) => known.flatMap((variable) => usesOf(variable, code, isExpression));
  return [
    ...places.flatMap(({ 0: { length }, 1: kind, index: at }) => mentionOf(kind!, { at, length, placeAt: at }, code)),
    ...used(folders).flatMap((use) => folderMention(use, code)),
    ...used(files).flatMap((use) => itself(use, code)),
    ...used(requires).flatMap((use) => requireMention(use, code, use.at + use.length)),
  ];
}

interface Variable {
  readonly name: string;
  readonly madeAt: number;
  readonly placeAt: number;
}

interface Use {
  readonly at: number;
  readonly length: number;
  readonly placeAt: number;
}

function variables(code: string, made: string): Variable[] {
  const pattern = new RegExp(`${NAMED}(?:${made})(?=\\s*[,;\\n])`, "gu");
  return [...code.matchAll(pattern)].map((match) => ({
    name: match[1]!,
    madeAt: match.index,
    placeAt: match.index + match[0].length - 1,
  }));
}

function usesOf({ name, madeAt, placeAt }: Variable, code: string, isExpression: (index: number) => boolean): Use[] {
  const pattern = new RegExp(`(?<![\\p{ID_Continue}$.])${escaped(name)}(?![\\p{ID_Continue}$])`, "gu");
  return [...code.matchAll(pattern)]
    .filter(({ index }) => index > madeAt && isExpression(index))
    .map(({ index }) => ({ at: index, length: name.length, placeAt }));
}

function escaped(name: string): string {
  return name.replaceAll("$", "\\$");
}

function mentionOf(kind: string, use: Use, code: string): Mention[] {
  if (kind === "dirname") return folderMention(use, code);
  if (kind === "filename") return itself(use, code);
  if (kind === "meta") return resolveMention(use, code);
  const before = textBefore(code, use.at);
  const required = new RegExp(`${CALL}createRequire\\d*\\)?\\(\\s*$`).exec(before);
  if (required !== null) return requireMention(use, code, code.indexOf(")", use.at) + 1);
  if (/\bnew URL\(\s*$/.test(before))
    return itself({ ...use, at: use.at - (before.length - before.lastIndexOf("new URL(")) }, code);
  const [whole, argument = ""] = /\bnew URL\(((?:(?!\bnew URL\().)*),\s*$/s.exec(before) ?? [];
  if (whole === undefined) return itself(use, code);
  const at = use.at - whole.length;
  const text = readText(argument);
  const argumentAt = at + "new URL(".length;
  return [{ kind: "url", at: argumentAt, length: argument.length, placeAt: use.at, ...text, use: useAt(at, code) }];
}

/** N2. */
function folderMention({ at, length, placeAt }: Use, code: string): Mention[] {
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
    return [pathMention(start, call.length + length + all!.length, placeAt, path, isWhole, code)];
  }
  const [added, text] = new RegExp(`^\\s*\\+\\s*(${TEXT})`).exec(after) ?? [];
  if (added !== undefined) {
    const isWhole = !/^\s*\+/.test(after.slice(added.length));
    return [pathMention(at, length + added.length, placeAt, contentOf(text!), isWhole, code)];
  }
  const [template, rest, end] = /^\s*\}((?:[^`\\$]|\\.)*)(`|\$\{)/.exec(after) ?? [];
  if (template === undefined || !/`\$\{\s*$/.test(before)) return [];
  const start = at - (before.length - before.lastIndexOf("`"));
  return [pathMention(start, at - start + length + template.length, placeAt, rest!, end === "`", code)];
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

function resolveMention({ at, length }: Use, code: string): Mention[] {
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
function requireMention({ placeAt }: Use, code: string, end: number): Mention[] {
  const after = code.slice(end, end + MOST_BEFORE);
  const [, call, text] = new RegExp(`^((?:\\.resolve)?\\(\\s*)(${TEXT})(?=\\s*\\))`).exec(after) ?? [];
  if (text === undefined) return [];
  const use = call!.startsWith(".resolve") ? "unknown" : "run";
  return [
    {
      kind: "require",
      at: end + call!.length,
      length: text.length,
      placeAt,
      path: contentOf(text),
      isWhole: true,
      use,
    },
  ];
}

/** N5. */
function fromWhereItRuns(code: string): Mention[] {
  const [workers, forks] = ["Worker", "fork"].map((name) => {
    const renamed = [...code.matchAll(new RegExp(`\\b${name} as ([\\w$]+)`, "g"))].map(([, local]) => escaped(local!));
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

/** N4. */
function itself({ at, length, placeAt }: Use, code: string): Mention[] {
  if (useAt(at, code) !== "run") return [];
  const isUrl = code.startsWith("new URL(", at);
  const kind = isUrl || code.startsWith("__natsHandlers_url", at) ? "url" : "path";
  const argument = isUrl ? code.indexOf("__natsHandlers_url", at) : at;
  return [
    {
      kind,
      at: argument,
      length: isUrl ? "__natsHandlers_url".length : length,
      placeAt,
      path: "",
      isWhole: true,
      use: "run",
    },
  ];
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

function contentOf(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}
