// `handlers request SUBJECT [JSON|-]`: ask, and print what is replied.

import { errors, type Msg } from "@nats-io/transport-node";
import { parseDuration } from "../../../sdk/duration.ts";
import type { NatsConnection } from "../../bind/connection.ts";
import { RuntimeError } from "../../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { checkSubject, type PayloadOptions, readHeaders, readPayload } from "../message-input.ts";
import { withConnection } from "../nats-client.ts";
import type { Invocation } from "../run.ts";
import { type Output, printError, printLine, type Terminal } from "../terminal.ts";

export interface RequestOptions extends PayloadOptions {
  readonly header?: readonly string[];
  readonly timeout: string;
  readonly stream?: boolean;
}

export async function request(
  subject: string,
  payload: string | undefined,
  { terminal, options }: Invocation<RequestOptions>,
): Promise<ExitCode> {
  checkSubject(subject);
  const timeoutMs = readTimeout(options.timeout);
  const headers = readHeaders(options.header);
  const data = await readPayload(payload, options, terminal);
  const ask: Ask = { subject, data, timeoutMs, options: headers === undefined ? {} : { headers } };
  return withConnection(terminal, options, async (connection) => {
    try {
      if (options.stream === true) return await printStream(connection, ask, options.raw === true, terminal);
      const reply = await connection.request(subject, data, { timeout: timeoutMs, ...ask.options });
      return printReply(reply, options.raw === true, terminal);
    } catch (error) {
      return unanswered(error, ask, terminal);
    }
  });
}

interface Ask {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly timeoutMs: number;
  readonly options: { readonly headers?: Msg["headers"] & object };
}

async function printStream(connection: NatsConnection, ask: Ask, raw: boolean, terminal: Terminal): Promise<ExitCode> {
  const { subject, data, timeoutMs, options } = ask;
  const replies = await connection.requestMany(subject, data, { strategy: "sentinel", maxWait: timeoutMs, ...options });
  for await (const reply of replies) {
    const code = reply.data.length === 0 && !isServiceError(reply) ? "ended" : printReply(reply, raw, terminal);
    if (code === "ended") return 0;
    if (code !== 0) return code;
  }
  throw new errors.TimeoutError();
}

function isServiceError({ headers }: Msg): boolean {
  return (headers?.get("Nats-Service-Error-Code") ?? "") !== "";
}

function printReply(reply: Msg, raw: boolean, terminal: Terminal): ExitCode {
  if (isServiceError(reply)) return refused(reply, terminal);
  if (raw) terminal.out.write(reply.data);
  else printLine(terminal.out, bodyText(reply, terminal.out));
  return 0;
}

/** JSON laid out for the eye on a terminal; anything else, and everything in a pipe, as it came. */
function bodyText(reply: Msg, { isTerminal }: Output): string {
  const text = reply.string();
  if (!isTerminal) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // not JSON: shown as it came
  }
}

function refused(reply: Msg, terminal: Terminal): ExitCode {
  const code = reply.headers?.get("Nats-Service-Error-Code");
  const text = reply.headers?.get("Nats-Service-Error");
  printError(terminal, new RuntimeError("REQUEST_FAILED", `the handler replied with error ${code}: ${text}`));
  if (reply.data.length > 0) printLine(terminal.err, bodyText(reply, terminal.err));
  return 1;
}

/** Nobody there, or not in time: exit code 4. Everything else goes on up. */
function unanswered(error: unknown, { subject, timeoutMs }: Ask, terminal: Terminal): ExitCode {
  const cause = error instanceof errors.RequestError ? error.cause : error;
  if (cause instanceof errors.NoRespondersError || (error instanceof errors.RequestError && error.isNoResponders())) {
    const remedy = "`handlers list` shows the handlers of this project. One may be failing, or disabled.";
    printError(terminal, new RuntimeError("REQUEST_FAILED", `nobody takes "${subject}"`, { remedy }));
    return 4;
  }
  if (cause instanceof errors.TimeoutError) {
    const message = `"${subject}" was not answered within ${timeoutMs} ms`;
    const remedy = "Only `request` handlers reply. A slow one needs a longer --timeout.";
    printError(terminal, new RuntimeError("REQUEST_FAILED", message, { remedy }));
    return 4;
  }
  throw error;
}

function readTimeout(word: string): number {
  const timeoutMs = parseDuration(word);
  if (timeoutMs !== undefined && timeoutMs > 0) return timeoutMs;
  throw new RuntimeError(
    "USAGE",
    `--timeout needs a duration such as "5s" or "500ms"; received ${JSON.stringify(word)}`,
  );
}
