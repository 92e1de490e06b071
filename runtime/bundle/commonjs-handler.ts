// A handler written as CommonJS exports what any other does: `exports.metadata`, `exports.default`.
//
// esbuild knows one export of such a file, `module.exports` itself. A function there is the handler.
import type { Edit } from "./edits.ts";

const WHOLE_EXPORT = /\bexport default (require_[^\s()]+\(\));?\s*$/;
const NAMES = ["metadata", "setup", "teardown"];

export function commonJsExports(code: string): Edit[] {
  const whole = WHOLE_EXPORT.exec(code);
  if (whole === null) return [];
  const own = "__natsHandlersModule";
  const named = NAMES.map((name) => `${own}_${name} = ${own}.${name}`).join(", ");
  const exported = NAMES.map((name) => `${own}_${name} as ${name}`).join(", ");
  const first = `var ${own} = ${whole[1]}, ${named};`;
  const handler = `export default typeof ${own} === "function" ? ${own} : ${own}.default;`;
  return [{ at: whole.index, length: whole[0].trimEnd().length, text: `${first} ${handler} export { ${exported} };` }];
}
