// Runs a handler once by hand, in one replica, also one that is off: nothing of what serves is touched, and no message is
// published or settled but what the handler itself publishes.

import { errors } from "@nats-io/transport-node";
import { noRuntime } from "../control/client.ts";
import { RuntimeError } from "../errors.ts";
import { redactedText } from "../observe/redact.ts";
import type { InvokeResult } from "./answers.ts";
import type { Desk } from "./desk.ts";
import { hiddenView, payloadView } from "./payload-view.ts";

const TIMEOUT_MS = 60_000;

/** Rejects with HANDLER_NOT_FOUND, REQUEST_FAILED when it has not ended in time, or NATS_UNREACHABLE. */
export async function invoke(
  { client, app, showsPayloads }: Desk,
  { name, payload }: { readonly name: string; readonly payload: string },
): Promise<InvokeResult> {
  const data = Buffer.from(payload).toString("base64");
  const reply = await client.invoke({ name, data, headers: [] }, TIMEOUT_MS).catch((error: unknown) => {
    throw isTimeout(error) ? late(name) : noRuntime(app, error);
  });
  const { refusal, error, outcome, tookMs, replica, replies } = reply;
  if (refusal !== undefined)
    throw new RuntimeError(refusal.code === "HANDLER_NOT_FOUND" ? refusal.code : "REQUEST_FAILED", refusal.message);
  return {
    outcome,
    tookMs: Math.round(tookMs),
    replica: replica.instance,
    replies: replies.map((one) => {
      const body = Buffer.from(one, "base64");
      return showsPayloads ? payloadView(body) : hiddenView(body);
    }),
    error: error && { ...error, message: redactedText(error.message), frame: error.frame && redactedText(error.frame) },
  };
}

/** The client wraps what the connection says; `noRuntime` has it as its cause. */
function isTimeout(error: unknown): boolean {
  const causes = [error, (error as Error | undefined)?.cause];
  return causes.some((one) => one instanceof errors.TimeoutError || causeOf(one) instanceof errors.TimeoutError);
}

function causeOf(error: unknown): unknown {
  return error instanceof errors.RequestError ? error.cause : undefined;
}

function late(name: string): RuntimeError {
  const text = `${JSON.stringify(name)} has not ended within ${TIMEOUT_MS / 1_000} s`;
  return new RuntimeError("REQUEST_FAILED", text, { remedy: "It goes on where it runs." });
}
