// What the command line and the environment say: words, read by the same rules as the file.

import { jetStreamName, type Reader, text } from "../metadata/options.ts";
import { inboxPrefix } from "./inbox-prefix.ts";
import type { NatsLayer } from "./nats-settings.ts";
import type { ConfigProblems } from "./problems.ts";
import { readServers } from "./server-url.ts";

/** Each setting a flag can give, as the words of the command line; lists are joined by commas. */
export interface ConfigFlags {
  readonly app?: string | undefined;
  readonly handlers?: string | undefined;
  readonly build?: string | undefined;
  readonly only?: string | undefined;
  readonly httpPort?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly drain?: string | undefined;
  readonly server?: string | undefined;
  readonly context?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  readonly creds?: string | undefined;
  readonly nkey?: string | undefined;
  readonly tlsca?: string | undefined;
  readonly tlscert?: string | undefined;
  readonly tlskey?: string | undefined;
  readonly inboxPrefix?: string | undefined;
  readonly jsDomain?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;
export type SettingName = keyof ConfigFlags | "disabled";

interface Names {
  readonly flag?: string;
  readonly env?: string;
}

/** Where each setting is spoken of. The names of NATS are those of its CLI. */
export const SETTING_NAMES: Readonly<Record<SettingName, Names>> = {
  app: { flag: "--app", env: "HANDLERS_APP" },
  handlers: { flag: "--handlers", env: "HANDLERS_DIR" },
  build: { flag: "--build", env: "HANDLERS_BUILD" },
  only: { flag: "--only", env: "HANDLERS_ONLY" },
  disabled: { env: "HANDLERS_DISABLED" },
  httpPort: { flag: "--http-port", env: "HANDLERS_HTTP_PORT" },
  logLevel: { flag: "--log-level", env: "HANDLERS_LOG_LEVEL" },
  drain: { flag: "--drain", env: "HANDLERS_DRAIN" },
  server: { flag: "--server", env: "NATS_URL" },
  context: { flag: "--context", env: "NATS_CONTEXT" },
  user: { flag: "--user", env: "NATS_USER" },
  password: { flag: "--password", env: "NATS_PASSWORD" },
  token: { flag: "--token", env: "NATS_TOKEN" },
  creds: { flag: "--creds", env: "NATS_CREDS" },
  nkey: { flag: "--nkey", env: "NATS_NKEY" },
  tlsca: { flag: "--tlsca", env: "NATS_CA" },
  tlscert: { flag: "--tlscert", env: "NATS_CERT" },
  tlskey: { flag: "--tlskey", env: "NATS_KEY" },
  inboxPrefix: { flag: "--inbox-prefix", env: "NATS_INBOX_PREFIX" },
  jsDomain: { flag: "--js-domain", env: "NATS_JS_DOMAIN" },
};

/** One of the two voices. An empty word says nothing. */
export interface Voice {
  readonly where: "command line" | "environment";
  /** The value spoken, read; undefined when nothing is said or, after noting it, when it is wrong. */
  take<T>(setting: SettingName, reader: Reader<T>): T | undefined;
}

export function commandLine(flags: ConfigFlags, problems: ConfigProblems): Voice {
  const said = (setting: SettingName) => (setting === "disabled" ? undefined : flags[setting]);
  return voice("command line", said, (setting) => SETTING_NAMES[setting].flag, problems);
}

export function environment(env: Environment, problems: ConfigProblems): Voice {
  const said = (setting: SettingName) => env[SETTING_NAMES[setting].env ?? ""];
  return voice("environment", said, (setting) => SETTING_NAMES[setting].env, problems);
}

function voice(
  where: Voice["where"],
  said: (setting: SettingName) => string | undefined,
  nameOf: (setting: SettingName) => string | undefined,
  problems: ConfigProblems,
): Voice {
  return {
    where,
    take(setting, reader) {
      const word = said(setting);
      return word === undefined || word === ""
        ? undefined
        : problems.take(where, nameOf(setting) ?? setting, reader(word));
    },
  };
}

const words = text("must be a text", /^/);

export function natsLayerOf(voice: Voice): NatsLayer {
  return {
    where: voice.where,
    servers: voice.take("server", readServers),
    user: voice.take("user", words),
    password: voice.take("password", words),
    token: voice.take("token", words),
    creds: voice.take("creds", words),
    nkey: voice.take("nkey", words),
    ca: voice.take("tlsca", words),
    cert: voice.take("tlscert", words),
    key: voice.take("tlskey", words),
    inboxPrefix: voice.take("inboxPrefix", inboxPrefix),
    domain: voice.take("jsDomain", jetStreamName),
  };
}

/** Read a number from its digits. */
export function digits<T>(reader: Reader<T>): Reader<T> {
  return (raw) => reader(typeof raw === "string" && /^\d{1,15}$/.test(raw) ? Number(raw) : raw);
}
