import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../../runtime/config/resolve.ts";
import type { ConfiguredNats } from "../../../runtime/config/resolved-config.ts";
import { readServers } from "../../../runtime/config/server-url.ts";
import type { ConfigFlags, Environment } from "../../../runtime/config/spoken-settings.ts";
import type { NatsConfig } from "../../../sdk/define-config.ts";

const SEED = `SU${"A".repeat(56)}`;

interface Project {
  nats?: NatsConfig;
  env?: Environment;
  flags?: ConfigFlags;
  files?: Readonly<Record<string, string>>;
}

function settings({ nats, env = {}, flags = {}, files = {} }: Project): Partial<ConfiguredNats> {
  const file = { path: "/srv/shop/handlers.config.ts", displayPath: "handlers.config.ts", source: "", inputs: [] };
  const { nats: resolved } = resolveConfig({
    rootDir: "/srv/shop",
    mode: "start",
    flags,
    env,
    packageName: undefined,
    homeDir: "/home/ann",
    readText: (path) => files[path],
    file: nats && { ...file, value: { nats } },
  });
  return Object.fromEntries(Object.entries(resolved).filter(([, value]) => value !== undefined));
}

describe("servers", () => {
  test.each([
    ["nats://localhost:4222", ["nats://localhost:4222"]],
    ["localhost", ["localhost"]],
    ["a:1, tls://b:2/", ["a:1", "tls://b:2"]],
    [
      ["nats://a", "tls://[::1]:443"],
      ["nats://a", "tls://[::1]:443"],
    ],
  ])("%j gives %j", (raw, servers) => {
    expect(readServers(raw)).toMatchObject({ value: { servers } });
  });

  test.each(["http://x", "", "a b", "nats://", "a,,b", 4, [], [4], "nats://x:port"])("%j is refused", (raw) => {
    expect(readServers(raw)).toHaveProperty("problem");
  });

  test("credentials are taken out of the URL", () => {
    expect(readServers("nats://ann:p%40ss@a:1,nats://ann:p%40ss@b")).toEqual({
      value: { servers: ["nats://a:1", "nats://b"], user: "ann", password: "p@ss", token: undefined },
    });
    expect(readServers("nats://t0k3n@a")).toMatchObject({ value: { servers: ["nats://a"], token: "t0k3n" } });
    expect(readServers("nats://ann:x@a,nats://bob:y@b")).toHaveProperty("problem");
  });

  test("a URL that is refused is shown without its credentials", () => {
    expect(JSON.stringify(readServers("http://ann:secret@a b"))).not.toContain("secret");
  });
});

describe("layers", () => {
  test("a login replaces the logins of lower layers as a whole; other settings are weighed one by one", () => {
    expect(
      settings({
        nats: { servers: "file:1", user: "ann", password: "x", inboxPrefix: "_INBOX_shop" },
        env: { NATS_TOKEN: "t" },
        flags: { server: "flag:1" },
      }),
    ).toEqual({ servers: ["flag:1"], token: "t", inboxPrefix: "_INBOX_shop" });
  });

  test("each user can have inboxes of its own, whatever the file says", () => {
    const nats = { inboxPrefix: "_INBOX_shop" };
    expect(settings({ nats, env: { NATS_INBOX_PREFIX: "_INBOX_ann" } })).toEqual({ inboxPrefix: "_INBOX_ann" });
    expect(settings({ nats, flags: { inboxPrefix: "_INBOX_bob" } })).toEqual({ inboxPrefix: "_INBOX_bob" });
    expect(() => settings({ flags: { inboxPrefix: "_INBOX.>" } })).toThrow("--inbox-prefix");
  });

  test("the domain of the app's JetStream is said by flag, variable, file or context", () => {
    const nats = { domain: "hub" };
    expect(settings({ nats })).toEqual({ domain: "hub" });
    expect(settings({ nats, env: { NATS_JS_DOMAIN: "far" } })).toEqual({ domain: "far" });
    expect(settings({ nats, flags: { jsDomain: "near" } })).toEqual({ domain: "near" });
    expect(() => settings({ nats: { domain: "a.b" } })).toThrow("nats.domain");
  });

  test("a login said outright wins over the one in the URL", () => {
    expect(settings({ env: { NATS_URL: "nats://a:b@h", NATS_TOKEN: "t" } })).toEqual({
      servers: ["nats://h"],
      token: "t",
    });
    expect(settings({ env: { NATS_URL: "nats://a:b@h" } })).toEqual({
      servers: ["nats://h"],
      user: "a",
      password: "b",
    });
  });

  test("paths become absolute, from the root or from home", () => {
    const files = { "/srv/shop/app.creds": "", "/home/ann/ca.pem": "", "/etc/c.pem": "", "/etc/k.pem": "" };
    const env = { NATS_CREDS: "app.creds", NATS_CA: "~/ca.pem", NATS_CERT: "/etc/c.pem", NATS_KEY: "/etc/k.pem" };
    expect(settings({ env, files })).toEqual({
      creds: "/srv/shop/app.creds",
      tls: { ca: "/home/ann/ca.pem", cert: "/etc/c.pem", key: "/etc/k.pem" },
    });
  });

  test("an nkey is a seed or the path of one", () => {
    expect(settings({ env: { NATS_NKEY: SEED } })).toEqual({ nkey: SEED });
    expect(settings({ env: { NATS_NKEY: "a.nk" }, files: { "/srv/shop/a.nk": SEED } })).toEqual({
      nkey: "/srv/shop/a.nk",
    });
  });

  test.each<[Project, string]>([
    [{ env: { NATS_USER: "a" } }, "environment: user and password go together; received only one of them"],
    [{ env: { NATS_TOKEN: "a", NATS_NKEY: SEED } }, "there are 2 ways to log in (token; nkey); give one"],
    [{ nats: { tls: { cert: "c" } } }, "a TLS client certificate needs both a cert and a key"],
    [{ flags: { creds: "no.creds" } }, "command line: the creds file of NATS cannot be read: /srv/shop/no.creds"],
    [{ env: { NATS_NKEY: "SUwrong" } }, "the nkey of NATS is neither a seed nor a file that can be read"],
  ])("%j is refused", (project, message) => {
    expect(() => settings(project)).toThrow(message);
  });

  test("secrets are not repeated in a problem", () => {
    expect(() => settings({ nats: { password: 12345678 as never, user: "a" } })).toThrow(/^(?!.*12345678)/);
    expect(() => settings({ env: { NATS_NKEY: `${SEED}X` } })).toThrow(/^(?!.*SUAAA)/);
  });
});

describe("a NATS CLI context", () => {
  const path = "/home/ann/.config/nats/context/prod.json";
  const context = { url: "nats://prod:4222", creds: "~/prod.creds", inbox_prefix: "_IN", token: "", description: "x" };
  const files = { [path]: JSON.stringify(context), "/home/ann/prod.creds": "" };
  const fromContext = { servers: ["nats://prod:4222"], creds: "/home/ann/prod.creds", inboxPrefix: "_IN" };

  test("is used when the environment, a flag or the file names it", () => {
    expect(settings({ env: { NATS_CONTEXT: "prod" }, files })).toEqual(fromContext);
    expect(settings({ flags: { context: "prod" }, files })).toEqual(fromContext);
    expect(settings({ nats: { context: "prod" }, files })).toEqual(fromContext);
  });

  test("is looked for below XDG_CONFIG_HOME", () => {
    const moved = { "/xdg/nats/context/prod.json": '{"url":"x"}' };
    expect(settings({ env: { NATS_CONTEXT: "prod", XDG_CONFIG_HOME: "/xdg" }, files: moved })).toEqual({
      servers: ["x"],
    });
  });

  test("gives way to what is said beside it, and wins over the file when the environment names it", () => {
    expect(settings({ nats: { context: "prod", servers: "mine" }, files })).toEqual({
      ...fromContext,
      servers: ["mine"],
    });
    expect(settings({ nats: { servers: "mine", token: "t" }, env: { NATS_CONTEXT: "prod" }, files })).toEqual(
      fromContext,
    );
    expect(settings({ env: { NATS_CONTEXT: "prod", NATS_URL: "u" }, files })).toEqual({
      ...fromContext,
      servers: ["u"],
    });
  });

  test("the selected context is not used unless it is named", () => {
    expect(settings({ files: { ...files, "/home/ann/.config/nats/context.txt": "prod" } })).toEqual({});
  });

  test.each([
    ["gone", "{}", `NATS_CONTEXT "gone" is not there: no /home/ann/.config/nats/context/gone.json`],
    ["../x", "{}", "without path separators"],
    ["prod", "{", "is not a context file"],
    ["prod", '{"url":4}', "is not a context file"],
    ["prod", '{"nsc":"nsc://o/a/u"}', "logs in through nsc or a bare JWT"],
    ["prod", '{"url":"http://x"}', '"prod" cannot be used: url must be a URL'],
  ])("%s with %s is refused", (name, content, message) => {
    expect(() => settings({ env: { NATS_CONTEXT: name }, files: { [path]: content } })).toThrow(message);
  });
});

test.each(["ws://a:8080", "wss://a"])("%s is refused as a WebSocket, with what to name instead", (url) => {
  const read = readServers(url);
  expect(read).toEqual({
    problem: expect.stringContaining("WebSockets (ws://, wss://) are not supported. Name the client port"),
  });
});
