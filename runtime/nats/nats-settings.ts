// How to reach NATS and who we are there. What is secret in it is kept out of every message.

export interface NatsSettings {
  /** `nats://host:port`, `tls://host:port` or `host:port`; may carry `user:password@` or `token@`. */
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** Path of a credentials file; read again at each connect, so it can be rotated. */
  readonly creds: string | undefined;
  /** Path of an nkey seed file (read again at each connect), or the seed itself. */
  readonly nkey: string | undefined;
  /** Paths of PEM files. Set, even if empty: the connection must be encrypted. */
  readonly tls: NatsTls | undefined;
  /** A prefix of our own keeps other clients from reading the replies to us. */
  readonly inboxPrefix: string | undefined;
  /** Of the JetStream that has the app's streams: a hub's, seen from a leaf node. Undefined: that of the account. */
  readonly domain: string | undefined;
}

export interface NatsTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Settings for one server without credentials or TLS. */
export function plainSettings(url: string): NatsSettings {
  return {
    servers: [url],
    user: undefined,
    password: undefined,
    token: undefined,
    creds: undefined,
    nkey: undefined,
    tls: undefined,
    inboxPrefix: undefined,
    domain: undefined,
  };
}

/** The text with whatever stands before an `@` of a URL in it as `***`. Takes one URL, a list, or a whole message. */
export function redactUrl(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)?(?:(?!,\s*[a-z][a-z0-9+.-]*:\/\/)\S)*@/gi, "$1***@");
}

/** The client library does not understand credentials in a URL: they become settings, where settings do not name any. */
export function withUrlCredentials(settings: NatsSettings): NatsSettings {
  const parts = settings.servers.map(splitUrl);
  const servers = parts.map(({ url }) => url);
  const tls = settings.tls ?? (servers.some((url) => /^tls:/i.test(url)) ? NO_TLS_FILES : undefined);
  const login = parts.find((part) => part.login !== undefined)?.login;
  if (login === undefined || namesCredentials(settings)) return { ...settings, servers, tls };
  const [user = "", password] = login;
  if (password === undefined) return { ...settings, servers, tls, token: user };
  return { ...settings, servers, tls, user, password };
}

const NO_TLS_FILES: NatsTls = { ca: undefined, cert: undefined, key: undefined };

function namesCredentials({ user, token, creds, nkey }: NatsSettings): boolean {
  return [user, token, creds, nkey].some((value) => value !== undefined);
}

function splitUrl(server: string): { readonly url: string; readonly login: readonly string[] | undefined } {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(server.trim()) ?? [];
  const at = rest.lastIndexOf("@");
  if (at < 0) return { url: server.trim(), login: undefined };
  const [user = "", ...password] = rest.slice(0, at).split(":");
  const login = password.length === 0 ? [user] : [user, password.join(":")];
  return { url: `${scheme}${rest.slice(at + 1)}`, login: login.map(decoded) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare "%" in a password: it means itself
  }
}
