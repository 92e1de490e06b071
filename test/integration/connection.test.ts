import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { RuntimeError } from "../../runtime/errors.ts";
import { type ConnectOptions, connect, type NatsConnection } from "../../runtime/nats/connection.ts";
import { type NatsSettings, plainSettings, redactUrl } from "../../runtime/nats/nats-settings.ts";
import { eventRecorder } from "../support/event-recorder.ts";
import { tenfold } from "../support/hurried-clock.ts";
import { makeCertificates, makeOperator } from "../support/nats-identities.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "../support/nats-server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nats-handlers-connection-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function open(settings: NatsSettings, options: Partial<ConnectOptions> = {}): Promise<NatsConnection> {
  const nc = await connect({ settings, name: "test/1", emit: () => {}, clock: systemClock, ...options });
  cleanups.push(() => nc.close());
  return nc;
}

async function failureOf(settings: NatsSettings, options: Partial<ConnectOptions> = {}): Promise<RuntimeError> {
  const error: unknown = await open(settings, options).then(
    () => "connected",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RuntimeError);
  return error as RuntimeError;
}

/** A settled round trip: what was asked came back. */
async function echoes(nc: NatsConnection): Promise<string> {
  nc.subscribe("echo", { max: 1, callback: (_error, msg) => void msg.respond(msg.data) });
  return (await nc.request("echo", "hello")).string();
}

describe("logging in", () => {
  it("works without credentials, under the given name and inbox prefix", async () => {
    const { url } = await startServer();
    const { events, emit } = eventRecorder();
    const nc = await open({ ...plainSettings(url), inboxPrefix: "_INBOX_todo" }, { emit });
    nc.subscribe("whoami", { max: 1, callback: (_error, msg) => void msg.respond(msg.reply ?? "") });
    expect((await nc.request("whoami")).string()).toMatch(/^_INBOX_todo\./);
    expect(events).toEqual([
      { type: "nats.connected", server: url.replace("nats://", ""), version: nc.info?.version, jetstream: true },
    ]);
  });

  const withUser = `authorization { user: app, password: "s3cr3t/@:word" }`;

  it("works with user and password, and with both in the URL", async () => {
    const { url, port } = await startServer({ config: withUser });
    expect(await echoes(await open({ ...plainSettings(url), user: "app", password: "s3cr3t/@:word" }))).toBe("hello");
    expect(await echoes(await open(plainSettings(`nats://app:s3cr3t%2F%40%3Aword@127.0.0.1:${port}`)))).toBe("hello");
    expect(await echoes(await open(plainSettings(`nats://app:s3cr3t/@:word@127.0.0.1:${port}`)))).toBe("hello");
  });

  it("works with a token, given by itself or in the URL", async () => {
    const { url, port } = await startServer({ config: `authorization { token: "tok3n" }` });
    expect(await echoes(await open({ ...plainSettings(url), token: "tok3n" }))).toBe("hello");
    expect(await echoes(await open(plainSettings(`nats://tok3n@127.0.0.1:${port}`)))).toBe("hello");
  });

  it("works with an nkey, as a seed or in a file", async () => {
    const pair = nkeys.createUser();
    const seed = Buffer.from(pair.getSeed()).toString();
    const file = join(await makeFolder(), "app.nk");
    await writeFile(file, `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`);
    const { url } = await startServer({ config: `authorization { users: [{ nkey: ${pair.getPublicKey()} }] }` });
    expect(await echoes(await open({ ...plainSettings(url), nkey: seed }))).toBe("hello");
    expect(await echoes(await open({ ...plainSettings(url), nkey: file }))).toBe("hello");
  });

  it("works with a credentials file, which is read again at each connect", async () => {
    const { config, creds } = makeOperator();
    const file = join(await makeFolder(), "app.creds");
    await writeFile(file, creds);
    const server = await startServer({ config });
    const { emit, next } = eventRecorder();
    const nc = await open({ ...plainSettings(server.url), creds: file }, { emit });
    expect(await echoes(nc)).toBe("hello");

    await writeFile(file, "being rotated");
    await server.restart();
    expect((await next("runtime.notice", 0)).message).toContain(`cannot log in to NATS with ${file}`);
    await writeFile(file, creds);
    await next("nats.reconnected", 0);
    expect(await echoes(nc)).toBe("hello");
  });

  it("with a wrong password is refused at once, naming the server, the user and the remedy, never the password", async () => {
    const { url, port } = await startServer({ config: withUser });
    for (const settings of [
      { ...plainSettings(url), user: "app", password: "wrong-pass" },
      plainSettings(`nats://app:wrong-pass@127.0.0.1:${port}`),
    ]) {
      const error = await failureOf(settings);
      expect(error.code).toBe("NATS_REFUSED");
      expect(error.message).toContain(`127.0.0.1:${port} refused the connection as user "app"`);
      expect(error.remedy).toContain("NATS_PASSWORD");
      expect(JSON.stringify([error.message, error.remedy, String(error.cause)])).not.toContain("wrong-pass");
    }
  });

  it("with a file that is missing, or holds no credentials, is an error that names the file", async () => {
    const folder = await makeFolder();
    const missing = join(folder, "missing.creds");
    const empty = join(folder, "empty");
    await writeFile(empty, "nothing here\n");
    const settings = plainSettings("nats://127.0.0.1:1");
    const noTls = { ca: undefined, cert: undefined, key: undefined };
    expect((await failureOf({ ...settings, creds: missing })).message).toContain(missing);
    expect(await failureOf({ ...settings, creds: missing })).toMatchObject({ code: "CONFIG_UNREADABLE" });
    expect(await failureOf({ ...settings, tls: { ...noTls, ca: missing } })).toMatchObject({
      code: "CONFIG_UNREADABLE",
    });
    for (const credentials of [{ creds: empty }, { nkey: empty }]) {
      const error = await failureOf({ ...settings, ...credentials });
      expect(error).toMatchObject({ code: "CONFIG_INVALID" });
      expect(error.message).toContain(empty);
    }
  });
});

describe("TLS", () => {
  it("works with an authority of one's own and a client certificate, and is refused without them", async () => {
    const { ca, serverCert, serverKey, clientCert, clientKey } = makeCertificates(await makeFolder());
    const config = `tls { cert_file: "${serverCert}", key_file: "${serverKey}", ca_file: "${ca}", verify: true }`;
    const { url } = await startServer({ config });
    const settings = plainSettings(url);

    const nc = await open({ ...settings, tls: { ca, cert: clientCert, key: clientKey } });
    expect(await echoes(nc)).toBe("hello");
    const byScheme = plainSettings(url.replace("nats://", "tls://"));
    expect(await failureOf(byScheme)).toMatchObject({ code: "NATS_REFUSED" });

    const untrusted = await failureOf({ ...settings, tls: { ca: undefined, cert: clientCert, key: clientKey } });
    expect(untrusted).toMatchObject({ code: "NATS_REFUSED" });
    expect(untrusted.remedy).toContain("NATS_CA");
    const nameless = await failureOf(
      { ...settings, tls: { ca, cert: undefined, key: undefined } },
      { firstConnectMs: 1_500 },
    );
    expect(nameless).toMatchObject({ code: "NATS_UNREACHABLE" });
    expect(nameless.remedy).toContain("NATS_CERT");
  });

  it("demanded of a server without it fails in bounded time and says so", async () => {
    const { port } = await startServer();
    const error = await failureOf(plainSettings(`tls://127.0.0.1:${port}`), { firstConnectMs: 500 });
    expect(error).toMatchObject({ code: "NATS_UNREACHABLE" });
    expect(error.message).toContain("tls");
  });
});

describe("a server that is not there", () => {
  it("is NATS_UNREACHABLE within the given time, with server, tries and remedy", async () => {
    const error = await failureOf(plainSettings("nats://me:secret@127.0.0.1:1"), { firstConnectMs: 600 });
    expect(error.code).toBe("NATS_UNREACHABLE");
    expect(error.message).toMatch(
      /no NATS server at nats:\/\/127\.0\.0\.1:1 within 600 ms \(\d+ tries\): connection refused/,
    );
    expect(error.message).not.toContain("secret");
    expect(error.remedy).toContain("NATS_URL");
  });

  it("is waited for in words: nobody looks at an empty screen for ten seconds", async () => {
    const { events, emit } = eventRecorder();
    const failed = failureOf(plainSettings("nats://127.0.0.1:1"), { clock: tenfold, emit });
    await expect
      .poll(() => events.flatMap((event) => (event.type === "runtime.notice" ? [event.message] : [])))
      .toEqual(["waiting for NATS at nats://127.0.0.1:1, 10 s at most"]);
    expect((await failed).code).toBe("NATS_UNREACHABLE");
  });

  it("but listens and says nothing is NATS_UNREACHABLE within the given time", async () => {
    const mute = createServer(() => {}).listen(0, "127.0.0.1");
    await once(mute, "listening");
    cleanups.push(() => mute.close());
    const { port } = mute.address() as AddressInfo;
    const error = await failureOf(plainSettings(`nats://127.0.0.1:${port}`), { firstConnectMs: 400 });
    expect(error).toMatchObject({ code: "NATS_UNREACHABLE" });
    expect(error.message).toContain("said nothing");
  });

  it("yet, and comes up within the given time, is connected to", async () => {
    const server = await startServer();
    await server.kill();
    const connecting = open(plainSettings(server.url), { firstConnectMs: 20_000 });
    await server.restart();
    expect(await echoes(await connecting)).toBe("hello");
  });
});

describe("a secret in a URL", () => {
  it.each([
    ["nats://user:pass@host:4222", "nats://***@host:4222"],
    ["nats://token@host", "nats://***@host"],
    ["nats://u:p@ss/w@rd@host", "nats://***@host"],
    ["nats://u:a,b@h1:1,tls://v:c@h2", "nats://***@h1:1,tls://***@h2"],
    ["user:pass@host:4222", "***@host:4222"],
    ["cannot reach nats://u:p@h1 today", "cannot reach nats://***@h1 today"],
    ["nats://host:4222", "nats://host:4222"],
  ])("%s is shown as %s", (url, shown) => expect(redactUrl(url)).toBe(shown));
});
