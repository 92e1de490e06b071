// Why a bundle did not come up, told to its author: what it was doing, where, and what to do about it.

import { readFile } from "node:fs/promises";
import { NOT_COMMONJS } from "../bundle/diagnostics.ts";
import { codeFrame } from "../bundle/frame.ts";
import { placeInStack } from "../deliver/stack-place.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { RuntimeError, type SourcePlace } from "../errors.ts";
import type { BundleFault } from "../isolate/bundle-fault.ts";
import type { SerializedError } from "../message/outcome.ts";

/** "afterwards": it was imported, and what it had left behind ended its process. */
export type LoadPhase = "import" | "setup" | "afterwards";

export interface LoadedFile {
  readonly file: HandlerFile;
  /** Where the paths in stacks start from. */
  readonly sourcesDir: string;
}

const DOING: Readonly<Record<LoadPhase, string>> = {
  import: "while being imported",
  setup: "while running its `setup`",
  afterwards: "soon after it was imported, through what its top level had left behind",
};

export function tooSlow(phase: "import" | "setup", file: HandlerFile, startTimeoutMs: number): RuntimeError {
  const what = phase === "import" ? "evaluating its top level" : "waiting for its `setup`";
  return new RuntimeError(
    "HANDLER_LOAD_TIMED_OUT",
    `handler "${file.name}" was still ${what} after ${startTimeoutMs} ms; its worker was killed`,
    {
      handler: file.name,
      place: { file: file.displayPath },
      remedy:
        "Look for an endless loop or an await that never ends; `startTimeout` in the configuration allows more time.",
    },
  );
}

const PORT_TAKEN =
  "If the version that serves holds the port, say `exclusive: true` in the metadata: it then ends before the next one is set up. Or have both listen, with `reusePort: true`. Else another program has it.";

export async function faultError(
  { where, error }: BundleFault,
  phase: LoadPhase,
  { file, sourcesDir }: LoadedFile,
): Promise<RuntimeError> {
  const place = placeInStack(error.stack, sourcesDir);
  const frame = place === undefined ? undefined : await frameAt(sourcesDir, place);
  const what =
    where === "exit"
      ? `${error.message} ${DOING[phase]}${lastWord(error)}`
      : `threw ${DOING[phase]}: ${describe(error)}`;
  return new RuntimeError(
    phase === "setup" ? "HANDLER_SETUP_FAILED" : "HANDLER_LOAD_FAILED",
    `handler "${file.name}" ${what}`,
    {
      handler: file.name,
      place: place ?? { file: file.displayPath },
      ...remedyFor(error),
      stack: error.stack,
      ...(frame === undefined ? {} : { frame }),
    },
  );
}

function remedyFor({ code, message }: SerializedError): { readonly remedy?: string } {
  if (code === "EADDRINUSE") return { remedy: PORT_TAKEN };
  return /^(module|exports) is not defined in ES module scope/.test(message) ? { remedy: NOT_COMMONJS } : {};
}

function describe({ name, message }: SerializedError): string {
  return name === "Error" ? message : `${name}: ${message}`;
}

/** What Node prints above the stack of an error that nobody caught. */
function lastWord({ stack }: SerializedError): string {
  const lines = stack.split("\n");
  const at = lines.findIndex((line) => /^\s+at /.test(line));
  const word = at > 0 ? lines[at - 1]!.trim() : "";
  return word === "" ? "" : `: ${word.replace(/^Error: /, "")}`;
}

async function frameAt(sourcesDir: string, place: SourcePlace): Promise<string | undefined> {
  const source = await readFile(`${sourcesDir}/${place.file}`, "utf8").catch(() => undefined);
  return source === undefined ? undefined : codeFrame(source, place.line ?? 1, place.column ?? 1);
}
