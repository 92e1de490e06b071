// The one adapter around the NATS client. Nobody else connects.

import {
  type ConnectionOptions,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
  connect as natsConnect,
} from "@nats-io/transport-node";
import { type Clock, delay, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { watchConnection } from "./connection-health.ts";
import { installFastParser } from "./fast-parser.ts";
import { installFastWriter } from "./fast-writer.ts";
import { readForeignHeaders } from "./foreign-headers.ts";
import { useDomain } from "./jetstream.ts";
import { type Credentials, credentialsOf } from "./nats-credentials.ts";
import { type NatsSettings, redactUrl, withUrlCredentials } from "./nats-settings.ts";

export type { NatsConnection } from "@nats-io/transport-node";

export interface ConnectOptions {
  readonly settings: NatsSettings;
  /** Shown by the server's monitoring: `<app>/<instance>`. */
  readonly name: string;
  readonly emit: Emit;
  readonly clock: Clock;
  /** Milliseconds for the first connect, retries included. */
  readonly firstConnectMs?: number;
}

const FIRST_CONNECT_MS = 10_000;
/** After this long in silence whoever waits is told. */
const TELL_MS = 1_500;
const RETRY_MS = 250;
const DIAL_LIMIT_MS = 5_000;

/**
 * Connect; once connected, reconnect for ever, and tell `emit` of it.
 *
 * Rejects with NATS_UNREACHABLE when no server answers within `firstConnectMs` (10 s), with NATS_REFUSED as soon as a
 * server does not want us or cannot be trusted, with CONFIG_UNREADABLE or CONFIG_INVALID for bad credential files.
 */
export async function connect(options: ConnectOptions): Promise<NatsConnection> {
  const { emit, clock, firstConnectMs = FIRST_CONNECT_MS } = options;
  const settings = withUrlCredentials(options.settings);
  const credentials = credentialsOf(settings, (message) => emit({ type: "runtime.notice", level: "error", message }));
  const startedAtMs = clock.monotonicMs();
  const patience = clock.after(TELL_MS, () => {
    const message = `waiting for NATS at ${shownServers(settings)}, ${firstConnectMs / 1_000} s at most`;
    emit({ type: "runtime.notice", level: "info", message });
  });
  try {
    return await connectWithin(options, settings, credentials, startedAtMs);
  } finally {
    patience.cancel();
  }
}

async function connectWithin(
  options: ConnectOptions,
  settings: NatsSettings,
  credentials: Credentials,
  startedAtMs: number,
): Promise<NatsConnection> {
  const { emit, clock, firstConnectMs = FIRST_CONNECT_MS } = options;
  for (let attempts = 1; ; attempts++) {
    const leftMs = firstConnectMs - (clock.monotonicMs() - startedAtMs);
    const attempt = await dial(clientOptions(options, settings, credentials), leftMs, clock);
    if (attempt.kind === "connected") {
      useDomain(attempt.connection, settings.domain);
      installFastParser(attempt.connection);
      installFastWriter(attempt.connection);
      readForeignHeaders();
      watchConnection({ connection: attempt.connection, emit, clock });
      emit(connected(attempt.connection));
      return attempt.connection;
    }
    const failed = { settings, credentials, attempts, firstConnectMs, error: attempt.error };
    if (isRefusal(attempt.error)) throw refused(failed);
    const goneMs = clock.monotonicMs() - startedAtMs;
    if (goneMs + RETRY_MS >= firstConnectMs) throw unreachable(failed);
    await delay(clock, RETRY_MS);
  }
}

type Attempt =
  | { readonly kind: "connected"; readonly connection: NatsConnection }
  | { readonly kind: "failed"; readonly error: unknown };

async function dial(options: ConnectionOptions, limitMs: number, clock: Clock): Promise<Attempt> {
  const dialing: Promise<Attempt> = natsConnect(options).then(
    (connection) => ({ kind: "connected", connection }),
    (error: unknown) => ({ kind: "failed", error }),
  );
  const attempt = await within(clock, limitMs, dialing);
  if (attempt !== "expired") return attempt;
  // It may yet connect, unwanted. Closing can only fail because it is closed.
  void dialing.then((late) => (late.kind === "connected" ? late.connection.close().catch(() => {}) : undefined));
  return { kind: "failed", error: new Error("it accepted the connection, or not even that, and then said nothing") };
}

function clientOptions(
  { name }: ConnectOptions,
  settings: NatsSettings,
  credentials: Credentials,
): NodeConnectionOptions {
  const { inboxPrefix } = settings;
  return {
    servers: [...settings.servers],
    name,
    authenticator: credentials.authenticator,
    ...(credentials.tls === undefined ? {} : { tls: credentials.tls }),
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    timeout: DIAL_LIMIT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    reconnectJitterTLS: 500,
    pingInterval: 20_000,
    maxPingOut: 2,
    // Else the client gives up for good when it is refused twice, as while credentials are being rotated.
    ignoreAuthErrorAbort: true,
    // Traces of where a request began cost a quarter of the throughput.
    noAsyncTraces: true,
  };
}

function connected(connection: NatsConnection) {
  const { version = "unknown", jetstream = false } = connection.info ?? {};
  return { type: "nats.connected", server: connection.getServer(), version, jetstream } as const;
}

// Trying again would not help: the server's word, or a certificate that is not trusted.
function isRefusal(error: unknown): boolean {
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) return true;
  if (error instanceof errors.PermissionViolationError || error instanceof errors.InvalidArgumentError) return true;
  return (error as NodeJS.ErrnoException | undefined)?.code === "ERR_INVALID_URL" || isTlsFault(error);
}

const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/;

function isTlsFault(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (TLS_CODES.test(String((at as NodeJS.ErrnoException).code ?? ""))) return true;
  }
  return false;
}

interface Failed {
  readonly settings: NatsSettings;
  readonly credentials: Credentials;
  readonly attempts: number;
  readonly firstConnectMs: number;
  readonly error: unknown;
}

function refused({ settings, credentials, error }: Failed): RuntimeError {
  const message = `NATS at ${shownServers(settings)} refused the connection ${credentials.shown}: ${reason(error)}`;
  const remedy = isTlsFault(error)
    ? "Check the certificates: NATS_CA names the authority that signed the server's, NATS_CERT and NATS_KEY ours."
    : "Check NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_NKEY or NATS_CREDS against the server's configuration.";
  return new RuntimeError("NATS_REFUSED", message, { remedy, cause: error });
}

function unreachable({ settings, attempts, firstConnectMs, error }: Failed): RuntimeError {
  const tries = attempts === 1 ? "one try" : `${attempts} tries`;
  const message = `no NATS server at ${shownServers(settings)} within ${firstConnectMs} ms (${tries}): ${reason(error)}`;
  // The client reports a server that hangs up for want of a client certificate as silence.
  const certificate = settings.tls !== undefined && settings.tls.cert === undefined;
  const remedy = "Start the server, correct NATS_URL, or unset it to have `handlers dev` bring its own.";
  return new RuntimeError("NATS_UNREACHABLE", message, {
    remedy: certificate ? `${remedy} If it demands a client certificate, give NATS_CERT and NATS_KEY.` : remedy,
    cause: error,
  });
}

function shownServers({ servers }: NatsSettings): string {
  return servers.map(redactUrl).join(", ");
}

function reason(error: unknown): string {
  if (error === undefined) return "it closed the connection without a word";
  return redactUrl(error instanceof Error ? error.message : String(error));
}
