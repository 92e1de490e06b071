// A NATS client that knows nothing of the runtime: it publishes, asks, and collects what handlers publish.

import { connect, headers as createHeaders, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { systemClock, within } from "../../runtime/clock.ts";

export interface Answer {
  /** Of `Nats-Service-Error-Code`; 0 for a good reply. */
  readonly code: number;
  readonly error: string;
  readonly text: string;
  readonly value: unknown;
  readonly message: Msg;
}

export type Headers = Readonly<Record<string, readonly string[]>>;

export interface TestClient {
  readonly connection: NatsConnection;
  publish(subject: string, value?: unknown, headers?: Headers): void;
  /** Ask and wait for one reply. Rejects without responders. */
  ask(subject: string, value?: unknown, headers?: Headers): Promise<Answer>;
  /** Every reply of a stream, its empty last one included. */
  askMany(subject: string, value?: unknown): Promise<Answer[]>;
  /** Keep what is published to a subject from now on. */
  collect<T>(subject: string): Promise<Collector<T>>;
  /** Resolves when the server has taken everything published before. */
  flush(): Promise<void>;
}

/** For an answer, and for what is collected: less than the runner's limit, so that a test that fails shows what was missing. */
const PATIENCE_MS = 60_000;

export class Collector<T> {
  readonly values: T[] = [];
  readonly messages: Msg[] = [];
  private waiting: (() => void)[] = [];

  add(message: Msg): void {
    this.messages.push(message);
    this.values.push(contentOf(message.data) as T);
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Resolves with all values once there are `count`, or after a minute with those there are: the test then shows the difference. */
  async until(count: number): Promise<T[]> {
    await this.when((values) => values.length >= count);
    return this.values;
  }

  /** Resolves once the condition holds, or after a minute. */
  async when(holds: (values: readonly T[]) => boolean): Promise<T[]> {
    const deadlineMs = systemClock.monotonicMs() + PATIENCE_MS;
    while (!holds(this.values)) {
      const leftMs = deadlineMs - systemClock.monotonicMs();
      const more = new Promise<void>((resolve) => this.waiting.push(resolve));
      if (leftMs <= 0 || (await within(systemClock, leftMs, more)) === "expired") break;
    }
    return this.values;
  }
}

export async function connectClient(url: string, reconnect = true): Promise<TestClient> {
  const connection = await connect({ servers: url, reconnect });
  return {
    connection,
    publish: (subject, value, headers) => connection.publish(subject, encode(value), withHeaders(headers)),
    async ask(subject, value, headers) {
      return answerOf(
        await connection.request(subject, encode(value), { timeout: PATIENCE_MS, ...withHeaders(headers) }),
      );
    },
    async askMany(subject, value) {
      const answers: Answer[] = [];
      const replies = await connection.requestMany(subject, encode(value), {
        strategy: "sentinel",
        maxWait: PATIENCE_MS,
      });
      for await (const message of replies) answers.push(answerOf(message));
      return answers;
    },
    async collect(subject) {
      const collector = new Collector<never>();
      connection.subscribe(subject, { callback: (_error, message) => collector.add(message) });
      await connection.flush();
      return collector;
    },
    flush: () => connection.flush(),
  };
}

/** Bytes and strings as they are, undefined as nothing, the rest as JSON. */
function encode(value: unknown): Uint8Array | string {
  if (value === undefined) return "";
  return typeof value === "string" || value instanceof Uint8Array ? value : JSON.stringify(value);
}

function withHeaders(given: Headers | undefined) {
  if (given === undefined) return {};
  const headers = createHeaders();
  for (const [name, values] of Object.entries(given)) for (const value of values) headers.append(name, value);
  return { headers };
}

function answerOf(message: Msg): Answer {
  const text = message.string();
  const code = Number(message.headers?.get("Nats-Service-Error-Code") || 0);
  return {
    code,
    error: message.headers?.get("Nats-Service-Error") ?? "",
    text,
    value: contentOf(message.data),
    message,
  };
}

function contentOf(data: Uint8Array): unknown {
  const text = Buffer.from(data).toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
