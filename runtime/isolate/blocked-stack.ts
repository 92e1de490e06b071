// Where a worker is that no longer answers: its JavaScript stack, in the author's lines, asked of its inspector.
// Protocol: chromedevtools.github.io/devtools-protocol, domain Debugger.

import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openDebugger } from "./debugger-socket.ts";

interface CallFrame {
  readonly functionName: string;
  /** Both numbers count from 0. */
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number };
}

interface ProbedFrame {
  readonly name: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

const MOST_FRAMES = 20;

/** A stack as an error has it, or undefined when nothing is learnt. Ends when `signal` aborts. Never rejects. */
export async function probeStack(inspectorUrl: string, signal: AbortSignal): Promise<string | undefined> {
  const frames = await askFrames(inspectorUrl, signal);
  const lines = frames.filter(({ url }) => url.startsWith("file:")).map(describeFrame);
  return lines.length === 0 ? undefined : lines.join("\n");
}

function askFrames(inspectorUrl: string, signal: AbortSignal): Promise<readonly ProbedFrame[]> {
  return new Promise((resolveFrames) => {
    // Hundreds of scripts are told of before the pause, and a few are wanted: they are read when it is known which.
    const scripts: string[] = [];
    const inspector = openDebugger(inspectorUrl, {
      opened() {
        inspector.send('{"id":1,"method":"Debugger.enable"}');
        inspector.send('{"id":2,"method":"Debugger.pause"}');
      },
      message(text) {
        if (text.startsWith('{"method":"Debugger.scriptParsed"')) return void scripts.push(text);
        if (!text.startsWith('{"method":"Debugger.paused"')) return;
        const { params } = JSON.parse(text) as { params: { callFrames: readonly CallFrame[] } };
        resolveFrames(params.callFrames.slice(0, MOST_FRAMES).map((frame) => placed(frame, scripts)));
        inspector.close();
      },
      closed() {
        signal.removeEventListener("abort", inspector.close);
        resolveFrames([]); // Cut short by the end of the worker, unless it is known already.
      },
    });
    signal.addEventListener("abort", inspector.close, { once: true });
  });
}

function placed({ functionName, location }: CallFrame, scripts: readonly string[]): ProbedFrame {
  const { scriptId, lineNumber, columnNumber } = location;
  const script = scripts.find((text) => text.includes(`"scriptId":"${scriptId}"`));
  const url = script === undefined ? "" : (JSON.parse(script) as { params: { url: string } }).params.url;
  return { name: functionName, url, line: lineNumber, column: columnNumber };
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
