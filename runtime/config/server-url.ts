// The URLs of NATS servers, as people write them, and the credentials some of them carry.

import { problem, type Read } from "../metadata/options.ts";

export interface ServerList {
  /** Without credentials, so that they can be printed. */
  readonly servers: readonly string[];
  /** From `nats://user:password@host`, or the token from `nats://token@host`. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
}

const SERVER = /^(?:(?:nats|tls):\/\/)?(?:[^\s@/]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s@:/,[\]]+)(?::\d{1,5})?\/?$/;
const MUST = 'must be a URL such as "nats://localhost:4222", several joined by commas, or a list of them';

const NO_WEBSOCKET =
  'must start with nats:// or tls://: WebSockets (ws://, wss://) are not supported. Name the client port of the server, such as "nats://localhost:4222"';

/** One URL, several joined by commas, or a list. Credentials are taken out; they must be the same wherever they stand. */
export function readServers(raw: unknown): Read<ServerList> {
  const entries = typeof raw === "string" ? [raw] : raw;
  if (!Array.isArray(entries) || !entries.every((entry) => typeof entry === "string")) return problem(MUST, raw);
  const urls = entries.flatMap((entry: string) => entry.split(",")).map((url) => url.trim());
  if (urls.some((url) => /^wss?:/i.test(url))) return { problem: NO_WEBSOCKET };
  const wrong = urls.find((url) => !SERVER.test(url));
  if (wrong !== undefined) return problem(MUST, withoutCredentials(wrong));
  if (urls.length === 0) return problem(MUST, raw);
  const logins = new Set(urls.map(userInfo).filter((info) => info !== undefined));
  if (logins.size > 1) return { problem: "must not carry different credentials in different URLs" };
  return { value: { servers: urls.map(withoutCredentials), ...credentials([...logins][0]) } };
}

function credentials(info: string | undefined): Omit<ServerList, "servers"> {
  if (info === undefined) return { user: undefined, password: undefined, token: undefined };
  const [name = "", password] = info.split(":", 2).map(decode);
  return password === undefined
    ? { user: undefined, password: undefined, token: name }
    : { user: name, password, token: undefined };
}

function userInfo(url: string): string | undefined {
  return /^(?:\w+:\/\/)?([^@]+)@/.exec(url)?.[1];
}

function withoutCredentials(url: string): string {
  return url.replace(/^(\w+:\/\/)?[^@]*@/, "$1").replace(/\/$/, "");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded after all: the text stands for itself.
    return text;
  }
}
