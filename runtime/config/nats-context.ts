// Contexts of the NATS CLI (ADR-21): named sets of connection settings in `${XDG_CONFIG_HOME:-~/.config}/nats/context`.
// Used only when one is named: the CLI's selected context says nothing about where this app belongs.

import { join } from "node:path";
import * as z from "zod";
import { type Read, text } from "../metadata/options.ts";
import type { NatsLayer } from "./nats-settings.ts";
import { readServers } from "./server-url.ts";

export interface ContextSource {
  readonly homeDir: string;
  readonly configHome: string | undefined;
  /** The text of a file, or undefined when it cannot be read. */
  readText(path: string): string | undefined;
}

const stated = z
  .string()
  .transform((value) => (value === "" ? undefined : value))
  .optional();

const contextSchema = z.object({
  url: stated,
  user: stated,
  password: stated,
  token: stated,
  creds: stated,
  nkey: stated,
  cert: stated,
  key: stated,
  ca: stated,
  inbox_prefix: stated,
  jetstream_domain: stated,
  user_jwt: stated,
  nsc: stated,
});

const contextName = text(
  "must be the name of a NATS CLI context, without path separators or ..",
  /^(?!.*\.\.)[^/\\\0]+$/,
);

/** The settings of the context, or why they cannot be had. */
export function readNatsContext(name: string, source: ContextSource): Read<NatsLayer> {
  const named = contextName(name);
  if ("problem" in named) return named;
  const path = join(source.configHome ?? join(source.homeDir, ".config"), "nats", "context", `${name}.json`);
  const content = source.readText(path);
  if (content === undefined) return { problem: `"${name}" is not there: no ${path}. See \`nats context ls\`` };
  const parsed = parse(content);
  if (parsed === undefined) return { problem: `"${name}" cannot be used: ${path} is not a context file` };
  if (parsed.user_jwt !== undefined || parsed.nsc !== undefined) {
    return {
      problem: `"${name}" cannot be used: it logs in through nsc or a bare JWT. Give it a credentials file (creds)`,
    };
  }
  const servers = parsed.url === undefined ? undefined : readServers(parsed.url);
  if (servers !== undefined && "problem" in servers)
    return { problem: `"${name}" cannot be used: url ${servers.problem}` };
  return { value: toLayer(name, parsed, servers?.value) };
}

function toLayer(name: string, context: z.output<typeof contextSchema>, servers: NatsLayer["servers"]): NatsLayer {
  const {
    user,
    password,
    token,
    creds,
    nkey,
    cert,
    key,
    ca,
    inbox_prefix: inboxPrefix,
    jetstream_domain: domain,
  } = context;
  const login = { user, password, token, creds, nkey };
  return { where: `NATS context "${name}"`, servers, ...login, ca, cert, key, inboxPrefix, domain };
}

function parse(content: string): z.output<typeof contextSchema> | undefined {
  try {
    return contextSchema.safeParse(JSON.parse(content)).data;
  } catch {
    // Not JSON: told as "not a context file".
    return undefined;
  }
}
