// The one place where flag, environment, file and default are weighed, in this order. It reports every problem together
// and runs before anything connects.

import { basename, resolve } from "node:path";
import type { HandlerDefaults } from "../metadata/handler-metadata.ts";
import type { Reader } from "../metadata/options.ts";
import { ownStateFolder } from "../state-folder.ts";
import type { DeclaredStream } from "../streams/stream-settings.ts";
import { commaList } from "./comma-list.ts";
import { handlerDefaults, runtimeDefaults } from "./defaults.ts";
import { type EvaluatedFile, placeIn, readFileConfig } from "./file-config.ts";
import { largePayloadsOf } from "./large-payloads.ts";
import { spokenLevels } from "./log-levels.ts";
import { readNatsContext } from "./nats-context.ts";
import { type NatsLayer, resolveNats } from "./nats-settings.ts";
import { ConfigProblems } from "./problems.ts";
import type { ConfiguredNats, DisabledPattern, ResolvedConfig } from "./resolved-config.ts";
import {
  type ConfigFlags,
  commandLine,
  digits,
  type Environment,
  environment,
  natsLayerOf,
  type SettingName,
  type Voice,
} from "./spoken-settings.ts";
import { appName, type FileConfig, folder, graceful, patterns, port } from "./user-config-schema.ts";

export interface ResolveRequest {
  /** Absolute. */
  readonly rootDir: string;
  /** Another than `<root>/.handlers`, where that cannot be written to. */
  readonly stateDir?: string;
  /** `dev` listens on loopback only. */
  readonly mode: "dev" | "start";
  readonly flags: ConfigFlags;
  readonly env: Environment;
  readonly file: EvaluatedFile | undefined;
  /** The `name` in the root's package.json. */
  readonly packageName: string | undefined;
  readonly homeDir: string;
  /** The text of a file, or undefined when it cannot be read. */
  readText(path: string): string | undefined;
}

/** Throws one CONFIG_INVALID error that tells every problem of flags, environment and file. */
export function resolveConfig(request: ResolveRequest): ResolvedConfig {
  const problems = new ConfigProblems();
  const voices = [commandLine(request.flags, problems), environment(request.env, problems)] as const;
  const file = readFileConfig(request.file, problems);
  const spoken = <T>(setting: SettingName, reader: Reader<T>): T | undefined => {
    // Both are read, so that both have their problems told.
    const [flag, env] = voices.map((voice) => voice.take(setting, reader));
    return flag ?? env;
  };
  // For all handlers the flag wins; for some, each voice may name its own.
  const [flagLevels, envLevels] = voices.map((voice) => voice.take("logLevel", spokenLevels));
  const app = spoken("app", appName) ?? file.app ?? defaultApp(request);
  const config: ResolvedConfig = {
    app,
    rootDir: request.rootDir,
    handlersDir: resolve(request.rootDir, spoken("handlers", folder) ?? file.handlers ?? runtimeDefaults.handlersDir),
    stateDir: request.stateDir ?? ownStateFolder(request.rootDir),
    configFile: request.file?.path,
    configInputs: request.file?.inputs ?? [],
    preload: (file.preload ?? []).map((path) => resolve(request.rootDir, path)),
    conditions: file.conditions ?? [],
    external: file.external ?? [],
    nats: natsOf(request, voices, file, problems),
    streams: (file.streams ?? []).map(toStream),
    copies: file.replicas ?? mostStated(file.streams ?? []),
    defaults: toHandlerDefaults(file.defaults ?? {}),
    http: {
      port: spoken("httpPort", digits(port)) ?? file.http?.port,
      host: file.http?.host ?? runtimeDefaults.httpHost[request.mode],
    },
    disabled: disabledBy(file.disabled ?? [], "config").concat(
      disabledBy(voices[1].take("disabled", commaList(patterns)) ?? [], "env"),
    ),
    only: spoken("only", commaList(patterns)) ?? [],
    logLevel: flagLevels?.level ?? envLevels?.level ?? file.logLevel ?? runtimeDefaults.logLevel,
    logLevels: [file.logLevels, envLevels?.byHandler, flagLevels?.byHandler].flatMap((levels) => levels ?? []),
    largePayloads: largePayloadsOf(app, file.largePayloads),
    drainGraceMs: spoken("drain", graceful) ?? file.drain ?? runtimeDefaults.drainGraceMs,
    killGraceMs: file.killGrace ?? runtimeDefaults.killGraceMs,
    startTimeoutMs: file.startTimeout ?? runtimeDefaults.startTimeoutMs,
    maxHops: file.maxHops ?? runtimeDefaults.maxHops,
    warmWorkers: file.warmWorkers ?? runtimeDefaults.warmWorkers,
    eagerWorkers: file.eagerWorkers ?? runtimeDefaults.eagerWorkers,
    keepVersions: file.keepVersions ?? runtimeDefaults.keepVersions,
  };
  checkWorkers(request.file, config.defaults, problems);
  problems.throwIfAny();
  return config;
}

/** The package's name, else the folder's, in the letters that NATS names allow. */
function defaultApp({ packageName, rootDir }: ResolveRequest): string {
  for (const name of [packageName, basename(rootDir)]) {
    const fitting = name
      ?.replace(/[^A-Za-z0-9_-]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 64);
    if (fitting !== undefined && fitting !== "") return fitting;
  }
  return "app";
}

function natsOf(
  request: ResolveRequest,
  voices: readonly Voice[],
  file: FileConfig,
  problems: ConfigProblems,
): ConfiguredNats {
  const { env, homeDir, readText } = request;
  const contextOf = (where: NatsLayer["where"], label: string, name: string | undefined): NatsLayer[] => {
    if (name === undefined) return [];
    const source = { homeDir, configHome: env.XDG_CONFIG_HOME || undefined, readText };
    const layer = problems.take(where, label, readNatsContext(name, source));
    return layer === undefined ? [] : [layer];
  };
  const name: Reader<string> = (raw) => ({ value: String(raw) });
  const [flag, variable] = voices.map((voice) => voice.take("context", name));
  const spokenContext =
    flag === undefined
      ? contextOf("environment", "NATS_CONTEXT", variable)
      : contextOf("command line", "--context", flag);
  const filePlace = request.file === undefined ? "file" : placeIn(request.file, ["nats"]);
  const layers = [
    ...voices.map(natsLayerOf),
    ...spokenContext,
    ...(file.nats === undefined ? [] : [fileLayer(file.nats, filePlace)]),
    // A context named by flag or variable stands in the place of the file's.
    ...(spokenContext.length > 0 ? [] : contextOf(filePlace, "nats.context", file.nats?.context)),
  ];
  return resolveNats(layers, request, problems);
}

function fileLayer(nats: NonNullable<FileConfig["nats"]>, where: NatsLayer["where"]): NatsLayer {
  const { servers, user, password, token, creds, nkey, tls, inboxPrefix, domain } = nats;
  const { ca, cert, key } = tls ?? {};
  return { where, servers, user, password, token, creds, nkey, ca, cert, key, inboxPrefix, domain };
}

function toHandlerDefaults(stated: NonNullable<FileConfig["defaults"]>): HandlerDefaults {
  const workers = stated.workers ?? handlerDefaults.workers;
  return {
    kind: stated.kind ?? handlerDefaults.kind,
    envelope: stated.envelope ?? handlerDefaults.envelope,
    description: handlerDefaults.description,
    concurrency: stated.concurrency ?? handlerDefaults.concurrency,
    timeoutMs: stated.timeout ?? handlerDefaults.timeoutMs,
    retry: {
      attempts: stated.retry?.attempts ?? handlerDefaults.retry.attempts,
      backoffMs: stated.retry?.backoff ?? handlerDefaults.retry.backoffMs,
    },
    expiresMs: stated.expires ?? handlerDefaults.expiresMs,
    propagate: stated.propagate ?? handlerDefaults.propagate,
    memoryMiB: stated.memory ?? handlerDefaults.memoryMiB,
    env: stated.env ?? handlerDefaults.env,
    idleMs: stated.idle ?? handlerDefaults.idleMs,
    recycle: handlerDefaults.recycle,
    minWorkers: stated.minWorkers ?? handlerDefaults.minWorkers,
    workers,
    maxQueued: stated.maxQueued ?? handlerDefaults.maxQueued,
    maxQueuedBytes: stated.maxQueuedSize ?? handlerDefaults.maxQueuedBytes,
    disabled: handlerDefaults.disabled,
  };
}

function checkWorkers(file: EvaluatedFile | undefined, defaults: HandlerDefaults, problems: ConfigProblems): void {
  if (file === undefined || defaults.minWorkers <= defaults.workers) return;
  const text = `defaults.minWorkers must not be more than workers, which is ${defaults.workers}; received ${defaults.minWorkers}`;
  problems.add(placeIn(file, ["defaults", "minWorkers"]), text);
}

function toStream(stated: NonNullable<FileConfig["streams"]>[number]): DeclaredStream {
  const { name, subjects, description, maxBytes, maxMessages, retention, storage, discard, replicas, atomic } = stated;
  return {
    ...{ name, subjects, description, maxBytes, maxMessages, retention, storage, discard, replicas, atomic },
    maxAgeMs: stated.maxAge,
    maxMessageBytes: stated.maxMessageSize,
    duplicateWindowMs: stated.duplicateWindow,
  };
}

/** The runtime's own streams are as safe as the safest of the app's. */
function mostStated(streams: NonNullable<FileConfig["streams"]>): number | undefined {
  const stated = streams.flatMap(({ replicas }) => replicas ?? []);
  return stated.length === 0 ? undefined : Math.max(...stated);
}

function disabledBy(patterns: readonly string[], by: DisabledPattern["by"]): DisabledPattern[] {
  return patterns.map((pattern) => ({ pattern, by }));
}
