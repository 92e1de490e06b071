// `handlers invoke NAME [JSON|-]`: run a handler once by hand, also one that is disabled. Nothing of what serves is
// touched, and no message is published or settled but what the handler itself publishes.

import { errors } from "@nats-io/transport-node";
import { parseDuration } from "../../../sdk/duration.ts";
import { noRuntime } from "../../control/client.ts";
import type { InvokeReply } from "../../control/control-protocol.ts";
import { RuntimeError } from "../../errors.ts";
import { handlersOf } from "../../operate/session.ts";
import { type Output, printError, printLine, type Terminal } from "../../terminal/terminal.ts";
import { replicaText, statusOfAll, unknownHandlers, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { type PayloadOptions, readHeaders, readPayload } from "../message-input.ts";
import { printReported } from "../reported-error.ts";

export interface InvokeOptions extends PayloadOptions {
  readonly header?: readonly string[];
  readonly timeout: string;
  readonly json?: boolean;
}

export async function invoke(
  name: string,
  payload: string | undefined,
  { terminal, options }: Invocation<InvokeOptions>,
): Promise<ExitCode> {
  const timeoutMs = parseDuration(options.timeout);
  if (timeoutMs === undefined || timeoutMs === 0)
    throw new RuntimeError(
      "USAGE",
      `--timeout needs a duration such as "60s"; received ${JSON.stringify(options.timeout)}`,
    );
  const headers = readHeaders(options.header);
  const pairs = headers?.keys().flatMap((key) => headers.values(key).map((value) => [key, value] as const)) ?? [];
  const data = Buffer.from(await readPayload(payload, options, terminal)).toString("base64");
  return withControl(terminal, options, async (session) => {
    const known = handlersOf(await statusOfAll(session));
    if (!known.has(name)) throw unknownHandlers([name], known);
    try {
      const reply = await session.client.invoke({ name, data, headers: pairs }, timeoutMs);
      return options.json === true ? printJson(reply, terminal) : print(name, reply, options.raw === true, terminal);
    } catch (error) {
      if (!isTimeout(error)) throw noRuntime(session.app, error);
      printError(
        terminal,
        new RuntimeError("REQUEST_FAILED", `"${name}" has not ended within ${options.timeout}`, {
          remedy: "It goes on where it runs. --timeout waits longer.",
        }),
      );
      return 4;
    }
  });
}

function isTimeout(error: unknown): boolean {
  return (error instanceof errors.RequestError ? error.cause : error) instanceof errors.TimeoutError;
}

function print(
  name: string,
  { replies = [], refusal, error, outcome, tookMs, replica }: InvokeReply,
  raw: boolean,
  terminal: Terminal,
): ExitCode {
  const { out, err } = terminal;
  const failure = refusal ?? error;
  for (const reply of replies) printBody(Buffer.from(reply, "base64"), raw, out);
  if (failure === undefined) {
    printLine(err, err.paint("dim", `${outcome} after ${Math.round(tookMs)} ms on replica ${replicaText(replica)}`));
    return 0;
  }
  printReported(err, failure, name);
  return 1;
}

function printBody(body: Buffer, raw: boolean, out: Output): void {
  if (raw) return out.write(body);
  const text = body.toString("utf8");
  try {
    printLine(out, out.isTerminal ? JSON.stringify(JSON.parse(text), null, 2) : text);
  } catch {
    printLine(out, text); // Not JSON: shown as it came.
  }
}

function printJson(reply: InvokeReply, { out }: Terminal): ExitCode {
  const { replies = [], ...rest } = reply;
  printLine(out, JSON.stringify({ ...rest, replies: replies.map(decoded) }, null, 2));
  return reply.refusal === undefined && reply.error === undefined ? 0 : 1;
}

function decoded(reply: string): unknown {
  const text = Buffer.from(reply, "base64").toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
