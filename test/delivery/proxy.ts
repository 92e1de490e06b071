// A TCP proxy before a nats-server, to cut connections that both ends believe in.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface NatsProxy {
  readonly url: string;
  /** Break every connection, and refuse new ones until `mend`. */
  cut(): void;
  /** Pass nothing on, in either direction, until `mend`: what is sent meanwhile arrives then. */
  stall(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startProxy(port: number): Promise<NatsProxy> {
  const sockets = new Set<Socket>();
  let state: "whole" | "cut" | "stalled" = "whole";
  const server = createServer((near) => {
    if (state === "cut") return void near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      if (state === "stalled") one.pause();
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      state = "cut";
      for (const socket of sockets) socket.destroy();
    },
    stall() {
      state = "stalled";
      for (const socket of sockets) socket.pause();
    },
    mend() {
      state = "whole";
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
