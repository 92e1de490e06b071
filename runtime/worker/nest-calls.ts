// What goes to services of NestJS, and what they answer: the packets of message/nest-packet.ts, as a handler's calls need them.

import { callPacket, readReply } from "../message/nest-packet.ts";
import { preview } from "../wire/serialize-error.ts";
import { NotSerializableError } from "./encode-payload.ts";
import { isObservable } from "./observable-values.ts";

/** Throws NotSerializableError for what those who come from Nest may give, and what would be an object of no use in a packet. */
export function assertPackable(value: unknown, what: string): void {
  if (typeof value !== "object" || value === null) return;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    throw new NotSerializableError(`${what} is bytes, and a packet of Nest is JSON`);
  if (isObservable(value))
    throw new NotSerializableError(`${what} is an Observable: take its value with \`lastValueFrom\``);
}

/** @param id of a request */
export function packetFor(subject: string, data: unknown, id?: string): object {
  assertPackable(data, `the data published to "${subject}"`);
  return callPacket(subject, data, id);
}

/** Throws what a Nest service has answered in the place of a response: an Error whose `cause` is that. */
export function responseOf(subject: string, reply: unknown): unknown {
  const read = readReply(reply);
  if (read.kind === "response") return read.value;
  const what = `the reply to the request to "${subject}"`;
  if (read.kind === "foreign") {
    const message = `${what} is no packet of Nest: ${preview(reply)}; without \`envelope: "nest"\` it is read as it is`;
    throw Object.assign(new Error(message), { code: 502 });
  }
  const { err } = read;
  const { code, message = err } = err as { readonly code?: unknown; readonly message?: unknown };
  const text = typeof message === "string" ? message : preview(message);
  const error = new Error(`${what} is an exception: ${text}`, { cause: err });
  throw Object.assign(error, { code: typeof code === "number" ? code : 500 });
}
