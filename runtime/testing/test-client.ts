// What a test does as any other program on NATS would: publish and request.

import { errors, type MsgHdrs, type NatsConnection, headers as natsHeaders } from "@nats-io/transport-node";
import type { HeadersInput } from "../../sdk/context.ts";
import { publishSubjectProblem } from "../metadata/subject.ts";
import { encodePayload } from "../worker/encode-payload.ts";
import { durationMs } from "./duration-option.ts";
import { readBytes } from "./read-bytes.ts";

type Target = string | { readonly subject: string };

interface SendOptions {
  readonly headers?: HeadersInput | undefined;
  readonly id?: string | undefined;
  readonly timeout?: string | undefined;
}

const REQUEST_MS = 5_000;

export async function publish(client: NatsConnection, target: Target, data: unknown, options: SendOptions = {}) {
  const subject = subjectOf(target);
  client.publish(subject, encodePayload(data, `the data for "${subject}"`), { headers: headersOf(options) });
  await client.flush();
}

export async function request(client: NatsConnection, target: Target, data: unknown, options: SendOptions = {}) {
  const subject = subjectOf(target);
  const timeout = options.timeout === undefined ? REQUEST_MS : durationMs("timeout", options.timeout);
  const payload = encodePayload(data, `the data for "${subject}"`);
  const reply = await client
    .request(subject, payload, { timeout, headers: headersOf(options) })
    .catch((error: unknown) => failed(subject, timeout, error));
  const code = reply.headers?.get("Nats-Service-Error-Code") ?? "";
  if (code !== "") throw withCode(reply.headers?.get("Nats-Service-Error") ?? "", Number(code));
  return readBytes(reply.data);
}

function subjectOf(target: Target): string {
  const subject = typeof target === "string" ? target : target.subject;
  const problem = publishSubjectProblem(subject);
  if (problem !== undefined) throw new TypeError(`cannot publish to ${JSON.stringify(subject)}: ${problem}`);
  return subject;
}

function headersOf({ headers = {}, id }: SendOptions): MsgHdrs {
  const made = natsHeaders();
  for (const [name, given] of Object.entries(headers)) {
    for (const value of typeof given === "string" ? [given] : given) made.append(name, value);
  }
  if (id !== undefined) made.set("Nats-Msg-Id", id);
  return made;
}

function failed(subject: string, timeoutMs: number, error: unknown): never {
  const cause = error instanceof errors.RequestError ? error.cause : error;
  if (cause instanceof errors.NoRespondersError) throw withCode(`nobody takes "${subject}"`, 503);
  if (cause instanceof errors.TimeoutError) throw withCode(`no reply from "${subject}" within ${timeoutMs} ms`, 504);
  throw error;
}

function withCode(message: string, code: number): Error {
  return Object.assign(new Error(message), { code });
}
