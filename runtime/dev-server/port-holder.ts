// Who listens on a port that we wanted: a nats-server says so by itself as soon as one connects.

import { connect } from "node:net";
import type { Clock } from "../clock.ts";

export type PortHolder =
  | { readonly kind: "nats-server"; readonly version: string }
  | { readonly kind: "other" }
  | { readonly kind: "nobody" };

const GREETING_LIMIT_MS = 500;

/** Looks on this machine only. Never rejects. */
export function portHolder(port: number, clock: Clock): Promise<PortHolder> {
  return new Promise((resolve) => {
    let heard = "";
    let connected = false;
    const socket = connect({ host: "127.0.0.1", port });
    const timer = clock.after(GREETING_LIMIT_MS, end);
    socket.on("connect", () => {
      connected = true;
    });
    socket.setEncoding("latin1").on("data", (text: string) => {
      heard += text;
      if (heard.includes("\n") || heard.length > 65_536) end();
    });
    socket.on("error", end);
    socket.on("close", end);

    function end(): void {
      timer.cancel();
      socket.destroy();
      resolve(connected ? holderOf(heard) : { kind: "nobody" });
    }
  });
}

/** From what it says first. */
export function holderOf(greeting: string): PortHolder {
  const version = /^INFO \{.*"version":"([^"]+)"/.exec(greeting)?.[1];
  return version === undefined ? { kind: "other" } : { kind: "nats-server", version };
}

/** One line for the user. `url` is where our server listens instead. */
export function portTaken(port: number, holder: PortHolder, url: string): string {
  switch (holder.kind) {
    case "nats-server":
      return `port ${port} is taken by another nats-server (${holder.version}), to which a client without a URL talks; ours is at ${url}`;
    case "other":
      return `port ${port} is taken by another program, so our nats-server is at ${url}`;
    case "nobody":
      return `port ${port} could not be had, so our nats-server is at ${url}`;
  }
}
