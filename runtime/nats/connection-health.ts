// What happens to a connection, told in a few lines however often it happens, and a watchdog for the connection that is
// dead without saying so.
//
// H1  At most six changes of state are told in a minute. What comes after is told when the minute allows, as far as it
//     still is news: the last told state becomes the true one within a minute.
// H2  An error is told once a minute for each text, with the number of times it came since.
// H3  A connection that does not answer a flush in five seconds is made anew: no later than eight seconds after it fell
//     silent. Without it, one that is wedged stays so for minutes (nats-facts, finding 1).
// H4  A process that did not run itself, frozen or starved, first reads what came meanwhile before it judges.

import type { NatsConnection, Status } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { closeSocket } from "./close-socket.ts";
import { redactUrl } from "./nats-settings.ts";

const WINDOW_MS = 60_000;
const CHANGES_PER_WINDOW = 6;
const TEXTS_KEPT = 50;
const WATCH_EVERY_MS = 2_500;
const FLUSH_LIMIT_MS = 5_000;
const READ_FIRST_MS = 250;

export interface HealthOptions {
  readonly connection: NatsConnection;
  readonly emit: Emit;
  readonly clock: Clock;
}

/** Report and watch until the connection is closed. */
export function watchConnection({ connection, emit, clock }: HealthOptions): void {
  const state = stateReports(emit, clock);
  const errors = errorReports(emit, clock);
  let connected = true;
  let probing = false;

  async function listen(): Promise<void> {
    for await (const status of connection.status()) note(status);
  }

  function note(status: Status): void {
    if (status.type === "disconnect") {
      connected = false;
      state.down(status.server);
    } else if (status.type === "reconnect") {
      connected = true;
      state.up(status.server);
    } else if (status.type === "error") {
      errors.add(errorOf(status.error, connection.getServer()));
    } else if (status.type === "ldm") {
      notice(
        emit,
        "warn",
        `the NATS server ${status.server} is shutting down (lame duck); expecting to move to another`,
      );
    }
  }

  async function probe(): Promise<void> {
    if (!connected || probing) return;
    probing = true;
    // A rejected flush is a lost connection, which the status tells by itself.
    const answer = connection.flush().catch(() => undefined);
    let answered = await within(clock, FLUSH_LIMIT_MS, answer);
    if (answered === "expired") answered = await within(clock, READ_FIRST_MS, answer); // H4
    probing = false;
    if (answered !== "expired" || !connected || connection.isClosed()) return;
    notice(emit, "warn", `NATS did not answer within ${FLUSH_LIMIT_MS} ms; connecting anew`);
    closeSocket(connection);
  }

  const watchdog = clock.every(WATCH_EVERY_MS, () => void probe());
  listen()
    .catch((error: unknown) => errors.add(errorOf(error, connection.getServer())))
    .finally(() => {
      watchdog.cancel();
      state.close();
    });
}

function stateReports(emit: Emit, clock: Clock) {
  let actual: { readonly up: boolean; readonly server: string; readonly sinceMs: number } = {
    up: true,
    server: "",
    sinceMs: 0,
  };
  let toldUp = true;
  let downSinceMs = 0;
  let toldAtMs: number[] = [];
  let waiting: Timer | undefined;

  function change(up: boolean, server: string): void {
    const nowMs = clock.monotonicMs();
    if (actual.up === up) return;
    actual = { up, server, sinceMs: nowMs };
    tell();
  }

  function tell(): void {
    const nowMs = clock.monotonicMs();
    if (actual.up === toldUp || waiting !== undefined) return;
    toldAtMs = toldAtMs.filter((atMs) => nowMs - atMs < WINDOW_MS);
    const [oldestMs] = toldAtMs;
    if (oldestMs !== undefined && toldAtMs.length >= CHANGES_PER_WINDOW) {
      hold(oldestMs + WINDOW_MS - nowMs);
      return;
    }
    toldAtMs.push(nowMs);
    toldUp = actual.up;
    if (!actual.up) {
      downSinceMs = actual.sinceMs;
      emit({ type: "nats.disconnected", server: actual.server });
    } else {
      emit({ type: "nats.reconnected", server: actual.server, afterMs: Math.round(actual.sinceMs - downSinceMs) });
    }
  }

  function hold(delayMs: number): void {
    notice(emit, "warn", "the NATS connection keeps breaking; its changes are told once a minute until it holds");
    waiting = clock.after(delayMs, () => {
      waiting = undefined;
      tell();
    });
  }

  return {
    up: (server: string) => change(true, server),
    down: (server: string) => change(false, server),
    close: () => waiting?.cancel(),
  };
}

function errorReports(emit: Emit, clock: Clock) {
  const seen = new Map<string, { readonly toldAtMs: number; again: number }>();
  return {
    add(error: RuntimeError): void {
      const nowMs = clock.monotonicMs();
      const before = seen.get(error.message);
      if (before !== undefined && nowMs - before.toldAtMs < WINDOW_MS) {
        before.again++;
        return;
      }
      if (seen.size >= TEXTS_KEPT) seen.clear();
      seen.set(error.message, { toldAtMs: nowMs, again: 0 });
      if (before !== undefined && before.again > 0) {
        notice(emit, "warn", `the next NATS error came ${before.again} more times since it was last told`);
      }
      emit({ type: "nats.error", error });
    },
  };
}

function errorOf(error: unknown, server: string): RuntimeError {
  const message = redactUrl(error instanceof Error ? error.message : String(error));
  return new RuntimeError("NATS_REFUSED", `the NATS server ${redactUrl(server)} says: ${message}`, { cause: error });
}

function notice(emit: Emit, level: "warn", message: string): void {
  emit({ type: "runtime.notice", level, message });
}
