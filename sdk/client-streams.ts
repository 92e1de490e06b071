// Which subjects a stream takes, as one who publishes has to know: it answers each message then.

import { errors, type NatsConnection } from "@nats-io/nats-core";

/** Until a subject is asked about again. */
const FRESH_MS = 5_000;
const MOST_KNOWN = 1_000;
const ASK_MS = 5_000;

interface Known {
  readonly atMs: number;
  readonly stream: Promise<string | undefined>;
}

export class TakingStreams {
  private readonly connection: NatsConnection;
  private readonly known = new Map<string, Known>();

  constructor(connection: NatsConnection) {
    this.connection = connection;
  }

  /** Name of the stream that takes the subject. Rejects with the connection's errors when the server does not say. */
  find(subject: string): Promise<string | undefined> {
    const nowMs = performance.now();
    const known = this.known.get(subject);
    if (known !== undefined && nowMs - known.atMs < FRESH_MS) return known.stream;
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    const stream = this.ask(subject);
    this.known.set(subject, { atMs: nowMs, stream });
    stream.catch(() => this.known.delete(subject));
    return stream;
  }

  /** Whether a message of the stream may say for how long it is kept. Rejects as the connection does, or with an Error. */
  async allowsTtl(stream: string): Promise<boolean> {
    const reply = await this.connection.request(`$JS.API.STREAM.INFO.${stream}`, "", { timeout: ASK_MS });
    const { config, error } = reply.json<{
      config?: { allow_msg_ttl?: boolean };
      error?: { description: string };
    }>();
    if (error !== undefined) throw new Error(`stream "${stream}" cannot be looked up: "${error.description}"`);
    return config?.allow_msg_ttl === true;
  }

  private async ask(subject: string): Promise<string | undefined> {
    try {
      const reply = await this.connection.request("$JS.API.STREAM.NAMES", JSON.stringify({ subject }), {
        timeout: ASK_MS,
      });
      return reply.json<{ streams?: string[] | null }>().streams?.[0];
    } catch (error) {
      const cause = error instanceof errors.RequestError ? (error.cause ?? error) : error;
      if (cause instanceof errors.NoRespondersError) return undefined; // There is no JetStream here.
      throw error;
    }
  }
}
