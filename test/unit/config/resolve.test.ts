import { describe, expect, test } from "vitest";
import { type ResolveRequest, resolveConfig } from "../../../runtime/config/resolve.ts";
import type { ResolvedConfig } from "../../../runtime/config/resolved-config.ts";
import { describeError } from "../../../runtime/errors.ts";
import type { UserConfig } from "../../../sdk/define-config.ts";

interface Project extends Partial<Omit<ResolveRequest, "file" | "readText">> {
  file?: UserConfig | Record<string, unknown>;
  source?: string;
  /** Files that can be read, by absolute path. */
  files?: Readonly<Record<string, string>>;
}

function resolved({ file, source = "", files = {}, ...rest }: Project = {}): ResolvedConfig {
  const path = "/srv/shop/handlers.config.ts";
  return resolveConfig({
    rootDir: "/srv/shop",
    mode: "start",
    flags: {},
    env: {},
    packageName: undefined,
    homeDir: "/home/ann",
    readText: (name) => files[name],
    file: file && { path, displayPath: "handlers.config.ts", source, value: file, inputs: [path] },
    ...rest,
  });
}

function refused(project: Project): string {
  try {
    resolved(project);
  } catch (error) {
    return describeError(error);
  }
  throw new Error("the configuration was accepted");
}

describe("without any setting", () => {
  test("everything is a default", () => {
    expect(resolved()).toEqual({
      app: "shop",
      rootDir: "/srv/shop",
      handlersDir: "/srv/shop/handlers",
      stateDir: "/srv/shop/.handlers",
      configFile: undefined,
      configInputs: [],
      nats: {
        servers: undefined,
        user: undefined,
        password: undefined,
        token: undefined,
        creds: undefined,
        nkey: undefined,
        tls: undefined,
        inboxPrefix: undefined,
      },
      streams: [],
      largePayloads: undefined,
      defaults: {
        kind: "event",
        envelope: "none",
        description: "",
        concurrency: 16,
        timeoutMs: 30_000,
        retry: { attempts: 5, backoffMs: [1_000, 5_000, 30_000, 120_000, 600_000] },
        expiresMs: 0,
        propagate: [],
        memoryMiB: 256,
        env: [],
        idleMs: 300_000,
        recycle: { messages: 0, ageMs: 0 },
        minWorkers: 0,
        workers: 1,
        maxQueued: 10_000,
        maxQueuedBytes: 67_108_864,
        disabled: false,
      },
      http: { port: undefined, host: "0.0.0.0" },
      disabled: [],
      only: [],
      preload: [],
      conditions: [],
      external: [],
      logLevel: "info",
      logLevels: [],
      drainGraceMs: 25_000,
      killGraceMs: 1_000,
      startTimeoutMs: 10_000,
      maxHops: 16,
      warmWorkers: 2,
      eagerWorkers: 32,
      keepVersions: 5,
    });
  });

  test("dev listens on loopback only", () => {
    expect(resolved({ mode: "dev" }).http.host).toBe("127.0.0.1");
  });

  test.each([
    ["@acme/web.shop", "acme-web-shop"],
    ["plain_name", "plain_name"],
    ["---", "shop"],
  ])("the package name %s gives the app the name %s", (packageName, app) => {
    expect(resolved({ packageName }).app).toBe(app);
  });
});

describe("flag, then environment, then file, then default", () => {
  const file: UserConfig = { app: "file", handlers: "by-file", http: { port: 1 }, logLevel: "warn", drain: "1s" };
  const env = {
    HANDLERS_APP: "env",
    HANDLERS_DIR: "by-env",
    HANDLERS_HTTP_PORT: "2",
    HANDLERS_LOG_LEVEL: "error",
    HANDLERS_DRAIN: "2s",
    HANDLERS_ONLY: "a, b/*,",
  };
  const flags = { app: "flag", handlers: "/by/flag", httpPort: "3", logLevel: "debug", drain: "3s", only: "c" };

  test("the file wins over the defaults", () => {
    expect(resolved({ file })).toMatchObject({
      app: "file",
      handlersDir: "/srv/shop/by-file",
      http: { port: 1 },
      logLevel: "warn",
      drainGraceMs: 1_000,
    });
  });

  test("the environment wins over the file", () => {
    expect(resolved({ file, env })).toMatchObject({
      app: "env",
      handlersDir: "/srv/shop/by-env",
      http: { port: 2 },
      logLevel: "error",
      drainGraceMs: 2_000,
      only: ["a", "b/*"],
    });
  });

  test("a flag wins over the environment", () => {
    expect(resolved({ file, env, flags })).toMatchObject({
      app: "flag",
      handlersDir: "/by/flag",
      http: { port: 3 },
      logLevel: "debug",
      drainGraceMs: 3_000,
      only: ["c"],
    });
  });

  test("levels of single handlers add up, and the last that fits is the flag's", () => {
    const quiet: UserConfig = { logLevel: "warn", logLevels: { "**": "error", "todo/*": "debug" } };
    const { logLevel, logLevels } = resolved({
      file: quiet,
      env: { HANDLERS_LOG_LEVEL: "todo/save=trace" },
      flags: { logLevel: "fatal, todo/list=info" },
    });
    expect(logLevel).toBe("fatal");
    expect(logLevels).toEqual([
      { pattern: "**", level: "error" },
      { pattern: "todo/*", level: "debug" },
      { pattern: "todo/save", level: "trace" },
      { pattern: "todo/list", level: "info" },
    ]);
    expect(resolved({ file: quiet, env: { HANDLERS_LOG_LEVEL: "todo/save=trace" } }).logLevel).toBe("warn");
  });

  test("an empty variable says nothing", () => {
    expect(resolved({ file, env: { HANDLERS_APP: "", NATS_URL: "" } }).app).toBe("file");
  });

  test("disabled handlers add up, with who disabled them", () => {
    expect(resolved({ file: { disabled: ["a"] }, env: { HANDLERS_DISABLED: "b/*, c" } }).disabled).toEqual([
      { pattern: "a", by: "config" },
      { pattern: "b/*", by: "env" },
      { pattern: "c", by: "env" },
    ]);
  });
});

test("the file's defaults for handlers and its streams are kept in the runtime's units", () => {
  const config = resolved({
    file: {
      defaults: {
        timeout: "1m",
        memory: "1GB",
        idle: "never",
        retry: { backoff: "2s" },
        maxQueuedSize: "1MB",
        workers: 2,
      },
      streams: [{ name: "TODO", subjects: ["todo.>"], maxAge: "7d", maxBytes: "1GB", duplicateWindow: "2m" }],
    } satisfies UserConfig,
  });
  expect(config.defaults).toMatchObject({
    timeoutMs: 60_000,
    memoryMiB: 1024,
    idleMs: 0,
    retry: { attempts: 5, backoffMs: [2_000] },
    maxQueuedBytes: 1_048_576,
    workers: 2,
    concurrency: 16,
  });
  expect(config.streams).toEqual([
    {
      name: "TODO",
      subjects: ["todo.>"],
      description: undefined,
      maxAgeMs: 604_800_000,
      maxBytes: 1_073_741_824,
      maxMessages: undefined,
      maxMessageBytes: undefined,
      retention: undefined,
      storage: undefined,
      discard: undefined,
      replicas: undefined,
      duplicateWindowMs: 120_000,
      atomic: undefined,
    },
  ]);
});

test("port 0 is any free one, wherever it is said", () => {
  expect(resolved({ env: { HANDLERS_HTTP_PORT: "0" } }).http).toMatchObject({ port: 0 });
  expect(resolved({ flags: { httpPort: "0" } }).http).toMatchObject({ port: 0 });
});

test("the app's own streams have as many copies as is said, else as many as the safest of the declared ones", () => {
  const streams = [
    { name: "A", subjects: ["a.>"], replicas: 1 },
    { name: "B", subjects: ["b.>"], replicas: 3 },
  ];
  expect(resolved({ file: { streams } }).copies).toBe(3);
  expect(resolved({ file: { streams, replicas: 5 } }).copies).toBe(5);
  expect(resolved({ file: {} }).copies).toBeUndefined();
});

describe("a problem is told with where it comes from", () => {
  test.each<[string, Project, string]>([
    [
      "an unknown option",
      { file: { handler: "x" } },
      'handler is not an option. Did you mean "handlers"? (handlers.config.ts)',
    ],
    [
      "an unknown nested option",
      { file: { defaults: { timeOut: "1s" } } },
      'defaults.timeOut is not an option. Did you mean "timeout"?',
    ],
    [
      "an unknown option of a stream",
      { file: { streams: [{ name: "A", subjects: ["a.b"], maxage: "1d" }] } },
      'streams[0].maxage is not an option. Did you mean "maxAge"?',
    ],
    ["a far-fetched option", { file: { http: { colour: 1 } } }, "http.colour is not an option. There are: port, host."],
    [
      "a wrong duration",
      { file: { defaults: { timeout: "long" } } },
      'defaults.timeout must be a duration such as "500ms", "10s", "5m", "1h" or "7d"; received "long"',
    ],
    ["no object", { file: { http: 8088 } }, "http must be an object; received 8088"],
    ["no list", { file: { streams: {} } }, "streams must be a list; received {}"],
    ["a default export of a wrong type", { file: [] as never }, "the default export must be an object; received []"],
    [
      "a missing name",
      { file: { streams: [{ subjects: ["a.b"] }] } },
      'streams[0].name must be letters, digits, "_" or "-"; received undefined',
    ],
    [
      "a stream without subjects",
      { file: { streams: [{ name: "A", subjects: [] }] } },
      "streams[0].subjects must list at least one subject",
    ],
    ["a stream's subject", { file: { streams: [{ name: "A", subjects: ["a..b"] }] } }, 'received "a..b" (entry 1)'],
    [
      "overlapping streams",
      {
        file: {
          streams: [
            { name: "A", subjects: ["a.>"] },
            { name: "B", subjects: ["a.b"] },
          ],
        },
      },
      'streams[1].subjects "a.b" overlaps "a.>" of stream "A"',
    ],
    [
      "two streams of one name",
      {
        file: {
          streams: [
            { name: "A", subjects: ["a.b"] },
            { name: "A", subjects: ["c.d"] },
          ],
        },
      },
      'streams[1].name "A" is the name of two streams',
    ],
    [
      "more kept workers than workers",
      { file: { defaults: { minWorkers: 2 } } },
      "defaults.minWorkers must not be more than workers, which is 1; received 2",
    ],
    [
      "a wrong variable",
      { env: { HANDLERS_HTTP_PORT: "80a" } },
      'environment: HANDLERS_HTTP_PORT must be a whole number from 0 to 65,535; received "80a"',
    ],
    [
      "a wrong flag",
      { flags: { logLevel: "inof" } },
      'command line: --log-level must be "trace", "debug", "info", "warn", "error" or "fatal"; received "inof". Did you mean "info"?',
    ],
    [
      "a wrong level of a handler",
      { env: { HANDLERS_LOG_LEVEL: "info,todo/*=debgu" } },
      'HANDLERS_LOG_LEVEL must be "trace", "debug", "info", "warn", "error" or "fatal"; received "debgu". Did you mean "debug"? (of "todo/*")',
    ],
    [
      "a level of nothing",
      { flags: { logLevel: "=debug" } },
      'command line: --log-level must be the name of a handler or a glob, such as "todo/*"; received ""',
    ],
    [
      "levels that are not by handler",
      { file: { logLevels: ["debug"] } },
      'logLevels must be levels by names or globs of handlers, such as { "todo/*": "debug" }; received ["debug"]',
    ],
    [
      "a wrong app",
      { env: { HANDLERS_APP: "my app" } },
      'HANDLERS_APP must be 1 to 64 letters, digits, "_" or "-"; received "my app"',
    ],
  ])("%s", (_, project, expected) => {
    const message = refused(project);
    expect(message).toContain("CONFIG_INVALID: ");
    expect(message).toContain(expected);
  });

  test("every problem of file, environment and flags is told in one error, with its line", () => {
    const source = `import { defineConfig } from "nats-handlers";
export default defineConfig({
  apps: "todo",
  defaults: {
    timeout: 30,
  },
});
`;
    const message = refused({
      source,
      file: { apps: "todo", defaults: { timeout: 30 } },
      env: { HANDLERS_HTTP_PORT: "65536" },
      flags: { server: "http://x" },
    });
    expect(message.split("\n").map((line) => line.slice(0, 70))).toEqual([
      "CONFIG_INVALID: the configuration has 4 problems:",
      expect.stringContaining('handlers.config.ts:3:3: apps is not an option. Did you mean "app"?'),
      expect.stringContaining("handlers.config.ts:5:5: defaults.timeout must be a duration"),
      expect.stringContaining("command line: --server must be a URL"),
      expect.stringContaining("environment: HANDLERS_HTTP_PORT must be a whole number"),
    ]);
  });
});

describe("contents that are too large for a message", () => {
  const largePayloads = (value: unknown) => resolved({ file: { largePayloads: value } }).largePayloads;

  test("are refused unless they are allowed, and kept for forty days unless it is said otherwise", () => {
    expect(largePayloads(false)).toBeUndefined();
    expect(largePayloads(true)).toEqual({ bucket: "LARGE_shop", ttlMs: 40 * 86_400_000 });
    expect(largePayloads({ ttl: "2d", bucket: "LARGE_all" })).toEqual({ bucket: "LARGE_all", ttlMs: 2 * 86_400_000 });
  });

  test.each([
    ["yes", 'must be true, or an object such as { ttl: "7d" }; received "yes"'],
    [{ age: "7d" }, "it has bucket and ttl only"],
    [{ bucket: "files" }, 'must have a bucket whose name begins with "LARGE_"'],
    [{ ttl: "1s" }, 'must be from "1m" to "3650d"'],
  ])("are refused where it cannot be: %j", (value, why) => {
    expect(refused({ file: { largePayloads: value } })).toContain(why);
  });
});
