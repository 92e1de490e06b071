// What handlers publish and request. Nothing vanishes silently: what cannot be sent is answered with an error.
//
// P1  While disconnected a call waits, at most as long as its own timeout and WAIT_UP_MS.
// P2  After FLUSH_EVERY_BYTES the next calls wait until the server has taken what went before.

import { headers as createHeaders, errors, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import type { CallAnswer, HandlerCall } from "../deliver/handler-call.ts";
import { decodeHeaders } from "../deliver/header-block.ts";
import { ConnectionState } from "./connection-state.ts";

const WAIT_UP_MS = 5_000;
const FLUSH_EVERY_BYTES = 1024 * 1024;
const NOTHING = new Uint8Array(0);

export class Publisher {
  private readonly connection: NatsConnection;
  private readonly state: ConnectionState;
  private sinceFlush = 0;
  private flushing: Promise<void> | undefined;

  constructor(connection: NatsConnection, clock: Clock) {
    this.connection = connection;
    this.state = new ConnectionState(connection, clock);
  }

  /** Never rejects. Codes: 413 too large, 503 not connected or nobody takes it, 504 no reply in time, else the replier's. */
  async call(call: HandlerCall): Promise<CallAnswer> {
    const tooLarge = this.sizeProblem(call);
    if (tooLarge !== undefined) return { ok: false, code: 413, message: tooLarge };
    if (!this.state.isUp && !(await this.state.up(Math.min(call.timeoutMs, WAIT_UP_MS)))) {
      return {
        ok: false,
        code: 503,
        message: `${call.kind} to "${call.subject}": not connected to NATS; nothing was sent`,
      };
    }
    try {
      return call.kind === "publish" ? await this.publish(call) : await this.request(call);
    } catch (error) {
      return failedCall(call, error);
    }
  }

  private async publish(call: HandlerCall): Promise<CallAnswer> {
    await this.flushing;
    this.connection.publish(call.subject, call.payload, { headers: messageHeaders(call.headers) });
    this.sinceFlush += call.payload.length + call.headers.length;
    if (this.sinceFlush > FLUSH_EVERY_BYTES) this.flush();
    return { ok: true, body: NOTHING };
  }

  private async request(call: HandlerCall): Promise<CallAnswer> {
    const reply = await this.connection.request(call.subject, call.payload, {
      timeout: call.timeoutMs,
      headers: messageHeaders(call.headers),
    });
    const code = reply.headers?.get("Nats-Service-Error-Code") ?? "";
    if (code === "") return { ok: true, body: reply.data };
    const text = reply.headers?.get("Nats-Service-Error") ?? "";
    return {
      ok: false,
      code: Number(code) || 500,
      message: `request to "${call.subject}" was answered with ${code}: ${text}`,
    };
  }

  private flush(): void {
    this.sinceFlush = 0;
    this.flushing = this.connection
      .flush()
      .catch(() => undefined) // Disconnected: the next call waits for the connection and says so.
      .finally(() => {
        this.flushing = undefined;
      });
  }

  private sizeProblem(call: HandlerCall): string | undefined {
    const limit = this.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const size = call.payload.length + call.headers.length;
    if (size <= limit) return undefined;
    return `${call.kind} to "${call.subject}": ${size} bytes are more than the server takes (max_payload ${limit})`;
  }
}

export function messageHeaders(block: Uint8Array): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of decodeHeaders(Buffer.from(block))) headers.append(name, value);
  return headers;
}

function failedCall(call: HandlerCall, error: unknown): CallAnswer {
  const what = `${call.kind} to "${call.subject}"`;
  const cause = error instanceof errors.RequestError ? error.cause : error;
  if (cause instanceof errors.NoRespondersError)
    return { ok: false, code: 503, message: `${what}: nobody takes this subject` };
  if (cause instanceof errors.TimeoutError)
    return { ok: false, code: 504, message: `${what}: no reply within ${call.timeoutMs} ms` };
  return { ok: false, code: 500, message: `${what} failed: ${cause instanceof Error ? cause.message : String(cause)}` };
}
