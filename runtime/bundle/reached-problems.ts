// What is wrong with the files that code reaches by its place, as messages of the compiler.
import { relative, sep } from "node:path";
import type { Message } from "esbuild";
import type { Reached } from "./reached.ts";

type Kind = Extract<Reached, { problem: unknown }>["kind"];

/** The problems of these kinds, with paths from the root as esbuild has them. */
export function problemsOf(rootDir: string, reached: readonly Reached[], kinds: readonly Kind[]): Message[] {
  return reached.flatMap((one) => {
    if (!("problem" in one) || !kinds.includes(one.kind)) return [];
    const { text = "", detail, location } = one.problem;
    const file = relative(rootDir, location?.file ?? "")
      .split(sep)
      .join("/");
    const { line = 1, column = 0, lineText = "" } = location ?? {};
    const place = { file, namespace: "file", line, column, length: 0, lineText, suggestion: "" };
    return [{ id: "", pluginName: "", text, location: place, notes: [], detail }];
  });
}
