// What a consumer lets a pull request ask for: learned from its configuration where it is known, and from what the server
// says when it refuses a request. Limits of the server itself stand in no configuration. Pure but for what is remembered.

/** The part of a consumer's configuration that pulls depend on; durations in nanoseconds. */
export interface PullConfig {
  readonly max_batch?: number;
  readonly max_expires?: number;
  readonly priority_groups?: readonly string[];
}

export interface PullRequest {
  readonly batch: number;
  readonly expiresMs: number;
  readonly group: string | undefined;
  /** Of the consumer that is pinned to us. */
  readonly pinId: string | undefined;
}

const LONGEST_MS = 30_000;
const HEARTBEAT_MS = 5_000;
const NS_PER_MS = 1_000_000;

export class PullLimits {
  pinId: string | undefined;
  private batch = Number.POSITIVE_INFINITY;
  private expiresMs = LONGEST_MS;
  private group: string | undefined;

  get hasGroup(): boolean {
    return this.group !== undefined;
  }

  /** The most that may be asked for. */
  request(count: number): PullRequest {
    const { expiresMs, group, pinId } = this;
    return { batch: Math.min(count, this.batch), expiresMs, group, pinId };
  }

  /** As it is set now. Returns whether requests will be others than before. */
  adopt({ max_batch = 0, max_expires = 0, priority_groups = [] }: PullConfig): boolean {
    const before = this.key;
    this.batch = max_batch > 0 ? max_batch : Number.POSITIVE_INFINITY;
    this.expiresMs = max_expires > 0 ? Math.min(LONGEST_MS, max_expires / NS_PER_MS) : LONGEST_MS;
    [this.group] = priority_groups;
    if (this.group === undefined) this.pinId = undefined;
    return this.key !== before;
  }

  /** Returns whether the words of a refusal tell how to ask so that it is taken. */
  heed(description: string): boolean {
    const before = this.key;
    const [, batch] = /MaxRequestBatch of (\d+)/i.exec(description) ?? [];
    const [, expires] = /MaxRequestExpires of (\S+)/i.exec(description) ?? [];
    if (batch !== undefined) this.batch = Math.min(this.batch, Math.max(1, Number(batch)));
    if (expires !== undefined) this.expiresMs = Math.min(this.expiresMs, durationMs(expires) ?? this.expiresMs);
    if (/Nats-Pin-Id/i.test(description)) this.pinId = undefined;
    return this.key !== before;
  }

  private get key(): string {
    return [this.batch, this.expiresMs, this.group, this.pinId].join();
  }
}

/** The body of a pull request. */
export function pullBody({ batch, expiresMs, group, pinId }: PullRequest): string {
  // The server refuses a heartbeat of more than half of the time.
  const heartbeatMs = Math.min(HEARTBEAT_MS, expiresMs / 2);
  return JSON.stringify({
    batch,
    expires: Math.round(expiresMs * NS_PER_MS),
    idle_heartbeat: Math.round(heartbeatMs * NS_PER_MS),
    group,
    id: pinId,
  });
}

const UNITS_MS: Readonly<Record<string, number>> = { ns: 1e-6, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration as Go writes it: `1m30s`, `500ms`. */
export function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return undefined;
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNITS_MS[unit] ?? 0), 0);
}
