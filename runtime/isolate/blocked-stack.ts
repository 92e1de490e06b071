// Where a worker is that no longer answers: its JavaScript stack, in the author's lines.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROBE = fileURLToPath(
  import.meta.resolve(import.meta.url.endsWith(".ts") ? "./worker/stack-probe.ts" : "./worker/stack-probe.js"),
);
const MOST_OUTPUT_CHARS = 64_000;

interface ProbedFrame {
  readonly name: string;
  readonly url: string;
  /** Both count from 0. */
  readonly line: number;
  readonly column: number;
}

/** A stack as an error has it, or undefined when the probe learns nothing. Ends when `signal` aborts. Never rejects. */
export async function probeStack(inspectorUrl: string, signal: AbortSignal): Promise<string | undefined> {
  const text = await runProbe(inspectorUrl, signal);
  try {
    const frames = JSON.parse(text) as ProbedFrame[];
    const lines = frames.filter(({ url }) => url.startsWith("file:")).map(describeFrame);
    return lines.length === 0 ? undefined : lines.join("\n");
  } catch {
    return undefined; // The probe was cut short by the end of the worker or of its time.
  }
}

function runProbe(inspectorUrl: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolveText) => {
    const probe = spawn(process.execPath, [PROBE, inspectorUrl], {
      stdio: ["ignore", "pipe", "ignore"],
      signal,
      killSignal: "SIGKILL",
      env: {},
    });
    let text = "";
    probe.stdout.on("data", (chunk: Buffer) => {
      if (text.length < MOST_OUTPUT_CHARS) text += chunk.toString("utf8");
    });
    probe.once("error", () => resolveText(""));
    probe.once("close", () => resolveText(text));
  });
}

function describeFrame(frame: ProbedFrame): string {
  const at = originalPlace(frame) ?? `${fileURLToPath(frame.url)}:${frame.line + 1}:${frame.column + 1}`;
  return `    at ${frame.name === "" ? at : `${frame.name} (${at})`}`;
}

function originalPlace({ url, line, column }: ProbedFrame): string | undefined {
  const path = fileURLToPath(url);
  try {
    const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")) as SourceMapPayload);
    const entry = map.findEntry(line, column);
    if (!("originalSource" in entry)) return undefined;
    const source = entry.originalSource.startsWith("file:")
      ? fileURLToPath(entry.originalSource)
      : resolve(dirname(path), entry.originalSource);
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  } catch {
    return undefined; // No map: a package, or the runtime itself.
  }
}
