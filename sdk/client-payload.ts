// What the client sends, as bytes, and what it gets, as values. It runs in browsers too: nothing of Node is used.

import { type Msg, type MsgHdrs, headers as newHeaders } from "@nats-io/nats-core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ClientError, type ClientIssue, ReplyError } from "./client-errors.ts";
import type { HeadersInput } from "./context.ts";
import type { PayloadFormat } from "./payload.ts";
import { readIssues } from "./schema-issues.ts";

/** These and their like have fields that JSON does not see. */
const WRITTEN = new Set(["Object", "Array", "Date", "String", "Number", "Boolean"]);

/** Undefined is an empty message, bytes go as they are, anything else as JSON. Throws a ClientError for what JSON would lose. */
export function encodeData(data: unknown, what: string): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  if (data instanceof Uint8Array) return data;
  let text: string | undefined;
  try {
    text = JSON.stringify(data, (key, value: unknown) => {
      const lost = lostIn(value);
      if (lost !== undefined) throw new TypeError(`${key === "" ? "it" : JSON.stringify(key)} is a ${lost}`);
      return value;
    });
  } catch (error) {
    throw new ClientError(400, `${what} cannot be written as JSON: ${messageOf(error)}`, { cause: error });
  }
  if (text === undefined) throw new ClientError(400, `${what} is a ${typeof data}, which JSON cannot carry`);
  return new TextEncoder().encode(text);
}

/** A Map, a Set, a Promise and their like are `{}` in JSON, of an Error what it says is missing, and a view of bytes is numbers. */
function lostIn(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (value instanceof Error || ArrayBuffer.isView(value)) return tag;
  return Object.keys(value).length > 0 || WRITTEN.has(tag) ? undefined : tag;
}

/** Throws a ClientError for a header that cannot be sent. */
export function encodeHeaders(given: HeadersInput = {}, own: Readonly<Record<string, string>> = {}): MsgHdrs {
  const headers = newHeaders();
  for (const [name, values] of Object.entries(given)) {
    if (/^nats-/i.test(name))
      throw new ClientError(400, `header "${name}" is refused: names starting with "Nats-" belong to the server`);
    try {
      for (const value of typeof values === "string" ? [values] : values) headers.append(name, String(value));
    } catch (error) {
      throw new ClientError(400, `header ${JSON.stringify(name)}: ${messageOf(error)}`, { cause: error });
    }
  }
  for (const [name, value] of Object.entries(own)) headers.set(name, value);
  return headers;
}

/** Throws a ReplyError for an error reply, and for one that cannot be read. */
export function readReply(reply: Msg, subject: string, format: PayloadFormat): unknown {
  const code = reply.headers?.get("Nats-Service-Error-Code") ?? "";
  if (code !== "") throw errorReply(reply, subject, code);
  try {
    // A copy: what the connection gives is a part of a larger whole.
    if (format === "bytes") return new Uint8Array(reply.data);
    if (format !== "json") return format.decode(new Uint8Array(reply.data));
    return reply.data.length === 0
      ? undefined
      : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(reply.data));
  } catch (error) {
    const message = `the reply to the request to "${subject}" cannot be read: ${messageOf(error)}; the option \`payload\` says how it is to be read`;
    throw new ReplyError(502, message, [], { cause: error });
  }
}

/** The header's text is one line; what the schema has against the message stands in the body. */
function errorReply(reply: Msg, subject: string, code: string): ReplyError {
  const text = reply.headers?.get("Nats-Service-Error") ?? "";
  return new ReplyError(
    Number(code) || 500,
    `request to "${subject}" was answered with ${code}: ${text}`,
    issuesIn(reply),
  );
}

function issuesIn(reply: Msg): readonly ClientIssue[] {
  try {
    return reply.json<{ err?: { issues?: ClientIssue[] } }>().err?.issues ?? [];
  } catch {
    return []; // Of somebody else's handler.
  }
}

/** Empty: it fits. `value`: what the schema makes of it. */
export async function checkAgainst(
  schema: StandardSchemaV1,
  value: unknown,
): Promise<{ readonly value: unknown; readonly issues: readonly ClientIssue[] }> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return { value: result.value, issues: [] };
  return { value: undefined, issues: readIssues(result.issues) };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
