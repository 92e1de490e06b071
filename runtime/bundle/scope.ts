// Where the block ends that code stands in, in what esbuild has printed. A name means one thing within the block that declares
// it: where an inner one would mean another, esbuild has renamed it. In another block it may well mean something else.

const REGEXP_ALLOWED = /(?<=(?:^|[=(,:;!&|?{}[\n]|=>|\breturn)\s*)/.source;
const TOKEN = new RegExp(
  [
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/.source,
    /`(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)/s.source,
    `${REGEXP_ALLOWED}${/\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//.source}`,
    /\/\/[^\n]*|\/\*.*?\*\//s.source,
    "[{}]",
  ].join("|"),
  "gs",
);
const REST_OF_TEMPLATE = /(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)/gsy;

/** `upTo` when it ends later. */
export function endOfBlock(code: string, from: number, upTo: number): number {
  const open: ("block" | "template")[] = [];
  for (let at = from; ; ) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(code);
    if (token === null || token.index >= upTo) return upTo;
    at = TOKEN.lastIndex;
    if (token[0] === "{") open.push("block");
    else if (token[0] === "}") {
      const last = open.pop();
      if (last === undefined) return token.index;
      if (last === "template") at = inTemplate(code, at, open);
    } else if (token[0].startsWith("`") && token[0].endsWith("${")) open.push("template");
  }
}

/** After an expression of a template: where its text ends, or its next expression begins. */
function inTemplate(code: string, at: number, open: ("block" | "template")[]): number {
  REST_OF_TEMPLATE.lastIndex = at;
  const rest = REST_OF_TEMPLATE.exec(code);
  if (rest?.[0].endsWith("${") === true) open.push("template");
  return rest === null ? at : REST_OF_TEMPLATE.lastIndex;
}
