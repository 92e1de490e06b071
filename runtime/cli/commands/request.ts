// `handlers request SUBJECT [JSON|-]`: ask, and print what is replied.

import { errors, type Msg } from "@nats-io/transport-node";
import { parseDuration } from "../../../sdk/duration.ts";
import { systemClock, within } from "../../clock.ts";
import { RuntimeError } from "../../errors.ts";
import { claimOn } from "../../metadata/claims.ts";
import { didYouMean } from "../../metadata/nearest.ts";
import type { NatsConnection } from "../../nats/connection.ts";
import { streamsTaking } from "../../streams/stream-names.ts";
import { type Output, printError, printLine, type Terminal } from "../../terminal/terminal.ts";
import type { ExitCode } from "../exit-code.ts";
import { type GlobalOptions, loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { checkSubject, type PayloadOptions, readHeaders, readPayload } from "../message-input.ts";
import { withConnection } from "../nats-client.ts";
import { listHere } from "../project-check.ts";

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
      return printReply(await firstReply(connection, ask, terminal), options.raw === true, terminal);
    } catch (error) {
      return await unanswered(error, ask, { terminal, options });
    }
  });
}

interface Ask {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly timeoutMs: number;
  readonly options: { readonly headers?: Msg["headers"] & object };
}

/** The first that is a handler's: a stream that takes the subject answers too, with its confirmation. */
async function firstReply(connection: NatsConnection, ask: Ask, { err }: Terminal): Promise<Msg> {
  const { subject, data, timeoutMs, options } = ask;
  const replies = await connection.requestMany(subject, data, { strategy: "timer", maxWait: timeoutMs, ...options });
  let storing: string | undefined;
  for await (const reply of replies) {
    const stream = await confirmingStream(connection, subject, reply);
    if (stream === undefined) return reply;
    storing = stream;
    tellStored(err, subject, stream);
  }
  if (storing === undefined) throw new errors.TimeoutError();
  const message = `"${subject}" was stored in stream "${storing}", and not answered by a handler within ${timeoutMs} ms`;
  throw new RuntimeError("REQUEST_FAILED", message, {
    remedy: "Requests belong on subjects that no stream takes: change the stream's subjects, or the handler's.",
  });
}

function tellStored(err: Output, subject: string, stream: string): void {
  const told = `stream "${stream}" takes "${subject}" too: whoever asks may get its confirmation for a reply`;
  printLine(err, `${err.paint("yellow", "!")} ${told}`);
}

/** Of a stream that takes the subject; undefined for every other reply, and where we may not ask. */
async function confirmingStream(connection: NatsConnection, subject: string, reply: Msg): Promise<string | undefined> {
  const { stream, seq } = confirmationIn(reply);
  if (typeof stream !== "string" || typeof seq !== "number") return undefined;
  const taking = await streamsTaking(connection, subject).catch((): string[] => []);
  return taking.includes(stream) ? stream : undefined;
}

function confirmationIn(reply: Msg): { readonly stream?: unknown; readonly seq?: unknown } {
  try {
    return reply.json<{ stream?: unknown; seq?: unknown } | null>() ?? {};
  } catch {
    return {}; // not JSON
  }
}

async function printStream(connection: NatsConnection, ask: Ask, raw: boolean, terminal: Terminal): Promise<ExitCode> {
  const { subject, data, timeoutMs, options } = ask;
  const replies = await connection.requestMany(subject, data, { strategy: "sentinel", maxWait: timeoutMs, ...options });
  for await (const reply of replies) {
    const stream = await confirmingStream(connection, subject, reply);
    if (stream !== undefined) {
      tellStored(terminal.err, subject, stream);
      continue;
    }
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
  if (saysMore(reply, text ?? "")) printLine(terminal.err, bodyText(reply, terminal.err));
  return 1;
}

/** Whether the body of an error tells more than its header has told. */
function saysMore(reply: Msg, told: string): boolean {
  if (reply.data.length === 0) return false;
  try {
    const { err } = reply.json<{ err?: { message?: unknown; issues?: unknown } }>();
    return err?.issues !== undefined || err?.message !== told;
  } catch {
    return true; // Not of ours.
  }
}

/** Nobody there, or not in time: exit code 4. Everything else goes on up. */
async function unanswered(error: unknown, ask: Ask, { terminal, options }: Invocation): Promise<ExitCode> {
  if (error instanceof RuntimeError) {
    printError(terminal, error);
    return 4;
  }
  const what = silenceOf(error, ask);
  if (what === undefined) throw error;
  const hint = await nearSubject(ask.subject, terminal, options);
  const remedy = hint ?? "Only `request` handlers reply: `handlers list` shows those of this project.";
  printError(terminal, new RuntimeError("REQUEST_FAILED", what, { remedy }));
  return 4;
}

function silenceOf(error: unknown, { subject, timeoutMs }: Ask): string | undefined {
  const cause = error instanceof errors.RequestError ? error.cause : error;
  if (cause instanceof errors.NoRespondersError) return `nobody takes "${subject}"`;
  if (cause instanceof errors.TimeoutError) return `"${subject}" was not answered within ${timeoutMs} ms`;
  return undefined;
}

const HINT_MS = 3_000;

/** Looks through this project's handlers, and never makes matters worse: no hint is no failure. */
async function nearSubject(subject: string, terminal: Terminal, options: GlobalOptions): Promise<string | undefined> {
  const silent = { ...terminal, err: { ...terminal.err, write: () => undefined } };
  const looking = loadProject(silent, options, "dev")
    .then((config) => listHere(silent, config))
    .catch(() => undefined);
  const checked = await within(systemClock, HINT_MS, looking);
  if (checked === undefined || checked === "expired") return undefined;
  const answering = checked.handlers.flatMap((handler) => {
    return handler.ok && handler.metadata.kind === "request" ? [handler] : [];
  });
  const exact = answering.find(({ metadata }) => claimOn(metadata.subjects, subject) !== undefined);
  if (exact !== undefined)
    return `Handler "${exact.name}" takes it: is \`handlers dev\` running, and the handler enabled and well?`;
  const subjects = answering.flatMap(({ metadata }) => metadata.subjects);
  return didYouMean(subject, subjects).trim() || undefined;
}

function readTimeout(word: string): number {
  const timeoutMs = parseDuration(word);
  if (timeoutMs !== undefined && timeoutMs > 0) return timeoutMs;
  throw new RuntimeError(
    "USAGE",
    `--timeout needs a duration such as "5s" or "500ms"; received ${JSON.stringify(word)}`,
  );
}
