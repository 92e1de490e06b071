// OpenTelemetry as a user sets it up for the runtime: a module loaded with `--import`, whose exporter writes a file.

import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "./project.ts";

const PACKAGES = fileURLToPath(new URL("../../node_modules/@opentelemetry/", import.meta.url));

export interface WrittenSpan {
  readonly name: string;
  /** As OpenTelemetry numbers them. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: number; readonly message?: string };
  readonly exceptions: readonly Readonly<Record<string, unknown>>[];
}

/** A module that registers a provider; its spans are appended to `spans.jsonl` in the project, in batches. */
const REGISTER = `
  import { appendFileSync } from "node:fs";
  import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

  const exporter = {
    export(spans, done) {
      for (const span of spans) {
        const { name, kind, attributes, status, parentSpanContext, events } = span;
        const { traceId, spanId } = span.spanContext();
        const parentId = parentSpanContext?.spanId;
        const exceptions = events.map((event) => event.attributes);
        const line = { name, kind, traceId, spanId, parentId, attributes, status, exceptions };
        appendFileSync("spans.jsonl", JSON.stringify(line) + "\\n");
      }
      done({ code: 0 });
    },
    async shutdown() {},
  };
  export const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  provider.register();
`;

export interface SpanFile {
  /** What makes Node load the module. */
  readonly env: Readonly<Record<string, string>>;
  /** What was exported so far. */
  read(): WrittenSpan[];
}

/** Put the module into the project: in its root as `tracing.mjs`, for handlers as `_tracing.js`. */
export function writeTracing(project: TestProject): SpanFile {
  symlinkSync(PACKAGES, join(project.rootDir, "node_modules", "@opentelemetry"));
  writeFileSync(join(project.rootDir, "tracing.mjs"), REGISTER);
  project.write("_tracing.js", REGISTER);
  const file = join(project.rootDir, "spans.jsonl");
  writeFileSync(file, "");
  return {
    env: { NODE_OPTIONS: "--import ./tracing.mjs" },
    read() {
      const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line) as WrittenSpan);
    },
  };
}
