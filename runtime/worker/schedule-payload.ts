// What a schedule publishes: encoded as a publisher would, and put before the handler's own schema once, when the handler
// is loaded. So a schedule whose every run would be refused is refused itself.

import { describeIssues, readIssues } from "../../sdk/schema-issues.ts";
import { decodePayload } from "./decode-payload.ts";
import { encodePayload } from "./encode-payload.ts";
import { type HandlerModule, isStandardSchema } from "./load.ts";

/** `text` is what is published; `problem` the end of a sentence about `metadata.schedule.payload`. */
export type SchedulePayload = { readonly text: string } | { readonly problem: string };

type Metadata = NonNullable<HandlerModule["metadata"]>;

/** Undefined where there is no schedule. Never rejects. */
export async function schedulePayloadOf(metadata: Metadata = {}): Promise<SchedulePayload | undefined> {
  const { schedule } = metadata;
  if (schedule === undefined) return undefined;
  const value = (schedule as { payload?: unknown } | null)?.payload;
  if (value instanceof Uint8Array) return { problem: "must be JSON: bytes are not kept in metadata" };
  try {
    const bytes = Buffer.from(encodePayload(value, "it"));
    const refusal = await refusalOf(bytes, metadata);
    if (refusal === undefined) return { text: bytes.toString() };
    const what = value === undefined ? "is not given, and the handler refuses an empty message" : "is refused";
    return { problem: `${what}: ${refusal}` };
  } catch (error) {
    return { problem: `cannot be published: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function refusalOf(bytes: Buffer, { schema, payload = "json" }: Metadata): Promise<string | undefined> {
  const content = { bytes, start: 0, end: bytes.length, contentType: undefined };
  const decoded = decodePayload(content, payload);
  if (decoded.kind === "unreadable") return decoded.message;
  if (!isStandardSchema(schema)) return undefined;
  const { issues } = await schema["~standard"].validate(decoded.value);
  return issues === undefined ? undefined : describeIssues(readIssues(issues));
}
