// The Model Context Protocol, as far as a server of tools needs it: JSON-RPC 2.0, a message a line. There are no sessions and
// nothing to subscribe to.
//
// Source of the format: modelcontextprotocol.io/specification/2025-06-18 (lifecycle, server/tools, basic/transports).

import { type AgentTool, commandLine, listedTool } from "./agent-tools.ts";

/** Newest first. */
const VERSIONS = ["2025-06-18", "2025-03-26", "2024-11-05"];

const ErrorCode = { unreadable: -32700, noRequest: -32600, noMethod: -32601, badParameters: -32602 } as const;

export interface ToolResult {
  readonly text: string;
  readonly failed: boolean;
}

export interface AgentServer {
  readonly version: string;
  readonly tools: readonly AgentTool[];
  /** Runs a command line. Never rejects. */
  run(args: readonly string[]): Promise<ToolResult>;
}

interface Request {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: { readonly [name: string]: unknown };
}

/** What is said to one line; undefined: nothing. Never rejects. */
export async function answerTo(line: string, server: AgentServer): Promise<object | undefined> {
  const request = read(line);
  if (request === undefined) return refusal(null, ErrorCode.unreadable, "not a JSON object");
  const { id, method, params = {} } = request;
  if (typeof method !== "string") {
    return id === undefined ? undefined : refusal(id, ErrorCode.noRequest, "there is no method");
  }
  if (id === undefined) return undefined; // A notification.
  switch (method) {
    case "initialize":
      return result(id, {
        protocolVersion: VERSIONS.find((version) => version === params.protocolVersion) ?? VERSIONS[0],
        capabilities: { tools: {} },
        serverInfo: { name: "nats-handlers", version: server.version },
      });
    case "ping":
      return result(id, {});
    case "tools/list":
      return result(id, { tools: server.tools.map(listedTool) });
    case "tools/call":
      return called(id, params, server);
    default:
      return refusal(id, ErrorCode.noMethod, `there is no method ${JSON.stringify(method)}`);
  }
}

async function called(
  id: unknown,
  { name, arguments: given = {} }: NonNullable<Request["params"]>,
  server: AgentServer,
) {
  const tool = server.tools.find((one) => one.name === name);
  if (tool === undefined) return refusal(id, ErrorCode.badParameters, `there is no tool ${JSON.stringify(name)}`);
  let args: string[];
  try {
    args = commandLine(tool, given);
  } catch (error) {
    return refusal(id, ErrorCode.badParameters, (error as Error).message);
  }
  const { text, failed } = await server.run(args);
  return result(id, { content: [{ type: "text", text }], isError: failed });
}

function read(line: string): Request | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Request) : undefined;
  } catch {
    return undefined;
  }
}

function result(id: unknown, value: object): object {
  return { jsonrpc: "2.0", id, result: value };
}

function refusal(id: unknown, code: number, message: string): object {
  return { jsonrpc: "2.0", id, error: { code, message } };
}
