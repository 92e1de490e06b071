// How to reach NATS, from several layers: command line, environment, the context the environment names, the file, the
// context the file names. A layer that says how to log in replaces the ways of every lower one as a whole; all other
// settings are weighed one by one.

import { isAbsolute, join, resolve } from "node:path";
import type { SourcePlace } from "../errors.ts";
import type { ConfigProblems } from "./problems.ts";
import type { ConfiguredNats } from "./resolved-config.ts";
import type { ServerList } from "./server-url.ts";

export interface NatsLayer {
  /** Who says so, for messages. */
  readonly where: string | SourcePlace;
  readonly servers: ServerList | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  readonly creds: string | undefined;
  readonly nkey: string | undefined;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly inboxPrefix: string | undefined;
  readonly domain: string | undefined;
}

export interface PathSource {
  readonly rootDir: string;
  readonly homeDir: string;
  readText(path: string): string | undefined;
}

type Login = Pick<ConfiguredNats, "user" | "password" | "token" | "creds" | "nkey">;

const NO_LOGIN: Login = { user: undefined, password: undefined, token: undefined, creds: undefined, nkey: undefined };
const SEED = /^S[A-Z2-7]{57}$/;

/** One set of settings from layers, the strongest first. Notes contradictions, and files that cannot be read. */
export function resolveNats(layers: readonly NatsLayer[], paths: PathSource, problems: ConfigProblems): ConfiguredNats {
  const first = <K extends keyof NatsLayer>(key: K) => layers.find((layer) => layer[key] !== undefined);
  const path = (layer: NatsLayer | undefined, key: "ca" | "cert" | "key") =>
    layer?.[key] === undefined ? undefined : readable(layer, key, layer[key], paths, problems);
  const tls = {
    ca: path(first("ca"), "ca"),
    cert: path(first("cert"), "cert"),
    key: path(first("key"), "key"),
  };
  const halfOfPair =
    first("cert") === undefined ? first("key") : first("key") === undefined ? first("cert") : undefined;
  if (halfOfPair !== undefined) {
    problems.add(halfOfPair.where, "a TLS client certificate needs both a cert and a key; received only one of them");
  }
  return {
    servers: first("servers")?.servers?.servers,
    ...resolveLogin(layers, paths, problems),
    tls: tls.ca === undefined && tls.cert === undefined && tls.key === undefined ? undefined : tls,
    inboxPrefix: first("inboxPrefix")?.inboxPrefix,
    domain: first("domain")?.domain,
  };
}

function resolveLogin(layers: readonly NatsLayer[], paths: PathSource, problems: ConfigProblems): Login {
  for (const layer of layers) {
    const login = loginOf(layer);
    const ways = waysOf(login);
    if (ways.length === 0) continue;
    if (ways.length > 1)
      problems.add(layer.where, `there are ${ways.length} ways to log in (${ways.join("; ")}); give one`);
    if ((login.user === undefined) !== (login.password === undefined)) {
      problems.add(layer.where, "user and password go together; received only one of them");
    }
    const { creds, nkey } = login;
    return {
      ...login,
      creds: creds === undefined ? undefined : readable(layer, "creds", creds, paths, problems),
      nkey: nkey === undefined || SEED.test(nkey) ? nkey : readable(layer, "nkey", nkey, paths, problems),
    };
  }
  return NO_LOGIN;
}

/** What the layer says outright; what its URLs carry counts where it says nothing. */
function loginOf({ user, password, token, creds, nkey, servers }: NatsLayer): Login {
  const outright = { user, password, token, creds, nkey };
  if (waysOf(outright).length > 0 || servers === undefined) return outright;
  return { ...NO_LOGIN, user: servers.user, password: servers.password, token: servers.token };
}

function waysOf({ user, password, token, creds, nkey }: Login): string[] {
  const ways = [
    user === undefined && password === undefined ? undefined : "user and password",
    token === undefined ? undefined : "token",
    creds === undefined ? undefined : "creds",
    nkey === undefined ? undefined : "nkey",
  ];
  return ways.filter((way) => way !== undefined);
}

/** The absolute path; notes when there is nothing to read. A seed mistyped for a path must not be printed. */
function readable(
  layer: NatsLayer,
  key: "ca" | "cert" | "key" | "creds" | "nkey",
  written: string,
  { rootDir, homeDir, readText }: PathSource,
  problems: ConfigProblems,
): string {
  const expanded = written.startsWith("~/") ? join(homeDir, written.slice(2)) : written;
  const path = isAbsolute(expanded) ? expanded : resolve(rootDir, expanded);
  if (readText(path) === undefined) {
    const what = key === "nkey" ? "is neither a seed nor a file that can be read" : `cannot be read: ${path}`;
    problems.add(layer.where, `the ${key} file of NATS ${what}`.replace("the nkey file of NATS", "the nkey of NATS"));
  }
  return path;
}
