// The HTTP server for operators: GET only, and only the paths it is given.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RuntimeError, toRuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { listen } from "./listen.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export type HttpRoutes = Readonly<Record<string, () => HttpAnswer | Promise<HttpAnswer>>>;

export interface HttpServer {
  /** `http://host:port`, for people on this machine. */
  readonly url: string;
  /** Also ends connections that are open. Resolves when the port is free. A second call joins the first. */
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly routes: HttpRoutes;
  readonly emit: Emit;
}

/** No honest request for these paths takes longer to arrive. */
const REQUEST_MS = 5_000;

/** Rejects with HTTP_PORT_TAKEN, or with CONFIG_INVALID when host and port cannot be listened on at all. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    void answer(request, response, options);
  });
  await listen(server, options).catch((error: unknown) => {
    throw listenFailure(error as NodeJS.ErrnoException, options);
  });
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(server.address() as AddressInfo),
    close: () => {
      closing ??= closeServer(server);
      return closing;
    },
  };
}

export function jsonAnswer(status: number, body: unknown): HttpAnswer {
  return { status, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(body)}\n` };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  const { status, contentType, body } = await answerTo(request, options);
  if (status === 405) response.setHeader("Allow", "GET");
  response.writeHead(status, { "Content-Type": contentType, "Cache-Control": "no-store" });
  response.end(body);
  request.resume(); // A body nobody asked for must not hold the connection.
}

async function answerTo({ method, url = "/" }: IncomingMessage, { routes, emit }: HttpOptions): Promise<HttpAnswer> {
  const [path = "/"] = url.split("?");
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return jsonAnswer(404, { error: "not found", paths: Object.keys(routes) });
  if (method !== "GET") return jsonAnswer(405, { error: `${method} is not allowed here, only GET` });
  try {
    return await route();
  } catch (error) {
    const { message } = toRuntimeError(error, `the answer to ${path} could not be made`);
    emit({ type: "runtime.notice", level: "error", message });
    return jsonAnswer(500, { error: "see the log" });
  }
}

function listenFailure(cause: NodeJS.ErrnoException, { host, port }: HttpOptions): RuntimeError {
  const where = `port ${port} of ${host}`;
  if (cause.code === "EADDRINUSE") {
    return new RuntimeError("HTTP_PORT_TAKEN", `${where}, meant for health and metrics, is taken by another process`, {
      cause,
      remedy:
        "Choose another with HANDLERS_HTTP_PORT or `http.port`, or end what listens there. Without a port there is no server.",
    });
  }
  return new RuntimeError("CONFIG_INVALID", `health and metrics cannot be served on ${where}: ${cause.message}`, {
    cause,
    remedy: "Correct `http.host` and `http.port`; ports below 1024 need a right of their own.",
  });
}

function urlOf({ address, port, family }: AddressInfo): string {
  const local = address === "0.0.0.0" || address === "::" ? "localhost" : address;
  return `http://${family === "IPv6" && local === address ? `[${local}]` : local}:${port}`;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
