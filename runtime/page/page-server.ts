// Serves the page: listens, and knows under which names.

import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { createAdaptorServer } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { RuntimeError } from "../errors.ts";
import { listen } from "../observe/listen.ts";
import { loadAssets } from "./assets.ts";
import { Collector } from "./collector.ts";
import type { Desk } from "./desk.ts";
import { httpApp } from "./http-app.ts";
import { LiveTabs } from "./live.ts";
import { MessageWatch } from "./message-watch.ts";
import { Operations } from "./operations.ts";
import { RunningWatch } from "./running-watch.ts";
import { Schemas } from "./schemas.ts";

export interface PageOptions {
  readonly desk: Desk;
  readonly host: string;
  /** 0: any free one. Undefined: the usual one, or any where that is taken. */
  readonly port: number | undefined;
}

export interface PageServer {
  /** With the token: whoever has it may do what this page may. */
  readonly url: string;
  /** Also ends connections that are open. */
  close(): Promise<void>;
}

export const USUAL_PORT = 4280;
const REQUEST_MS = 10_000;
const HEADER_BYTES = 8 * 1024;

/** Rejects with HTTP_PORT_TAKEN, CONFIG_INVALID when host and port cannot be listened on, or BUILD_TOOLS_MISSING. */
export async function servePage({ desk, host, port }: PageOptions): Promise<PageServer> {
  const assets = await loadAssets();
  const collector = new Collector(desk);
  const operations = new Operations(desk, () => collector.again());
  const watch = new MessageWatch(desk);
  const tabs = new LiveTabs({ desk, collector, operations, watch, running: new RunningWatch(desk) });
  const hosts = new Set<string>();
  const token = randomBytes(24).toString("base64url");
  const app = httpApp({
    desk,
    operations,
    collector,
    watch,
    schemas: new Schemas(desk, collector),
    tabs,
    assets,
    gate: { hosts, token },
    addressOf: (context) => getConnInfo(context).remote.address ?? "an unknown address",
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { maxHeaderSize: HEADER_BYTES, requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
  }) as Server;
  const listenOn = (wanted: number) => listen(server, { host, port: wanted });
  await listenOn(port ?? USUAL_PORT)
    .catch((error: NodeJS.ErrnoException) => {
      if (port !== undefined || error.code !== "EADDRINUSE") throw error;
      return listenOn(0);
    })
    .catch((error: NodeJS.ErrnoException) => {
      throw listenFailure(error, host, port ?? USUAL_PORT);
    });
  operations.listen();
  const address = server.address() as AddressInfo;
  for (const name of ownHosts(host, address.port)) hosts.add(name);
  return {
    url: `http://${shownHost(host)}:${address.port}/#t=${token}`,
    close: () =>
      new Promise((resolve) => {
        watch.close();
        operations.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Every name under which a browser may ask for it (guard.ts, G1). */
export function ownHosts(host: string, port: number): readonly string[] {
  const names = ["localhost", "127.0.0.1", "[::1]", bracketed(host)];
  if (isEverywhere(host)) {
    const addresses = Object.values(networkInterfaces()).flatMap((each = []) =>
      each.map(({ address }) => bracketed(address)),
    );
    names.push(hostname().toLowerCase(), ...addresses);
  }
  return [...new Set(names)].map((name) => `${name.toLowerCase()}:${port}`);
}

/** Whether only programs of this machine reach it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function isEverywhere(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function shownHost(host: string): string {
  return isEverywhere(host) ? hostname().toLowerCase() : bracketed(host);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function listenFailure(cause: NodeJS.ErrnoException, host: string, port: number): RuntimeError {
  if (cause.code === "EADDRINUSE") {
    const remedy = "Choose another with --port, or end what listens there.";
    return new RuntimeError("HTTP_PORT_TAKEN", `port ${port} of ${host} is taken by another process`, {
      cause,
      remedy,
    });
  }
  const remedy = "Correct --host and --port; ports below 1024 need a right of their own.";
  return new RuntimeError("CONFIG_INVALID", `the page cannot be served on ${host}, port ${port}: ${cause.message}`, {
    cause,
    remedy,
  });
}
