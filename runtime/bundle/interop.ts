// What a default import of a CommonJS module means: `module.exports`, as in Node, whoever imports it.
//
// esbuild asks the importer's `"type"`, and means `exports.default` where it says nothing. Node knows no such difference:
// a file with `import` in it is an ES module. So what esbuild's helper asks is answered once, in the helper.
import type { Edit } from "./edits.ts";

const HELPER = /\bvar __toESM\s*=\s*\(mod, ?isNodeMode, ?target\)/;
const QUESTION = /\bisNodeMode\s*\|\|\s*!mod\s*\|\|\s*!mod\.__esModule(?=\s*\?)/;

/** The helper's own lines come before all code that was put together. */
export function nodeInterop(code: string): Edit[] {
  const helper = HELPER.exec(code);
  if (helper === null) return [];
  const rest = code.slice(helper.index);
  const question = QUESTION.exec(rest);
  if (question === null) throw new Error("esbuild prints __toESM in another way than this was written for");
  return [{ at: helper.index + question.index, length: question[0].length, text: "true" }];
}
