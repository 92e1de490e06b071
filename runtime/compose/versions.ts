// The versions of an app's handlers: kept while they serve, and brought back when somebody rolls back to them.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import { runtimeDefaults } from "../config/defaults.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { type RuntimeError, toRuntimeError } from "../errors.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import type { Evaluator } from "../supervise/evaluator.ts";
import type { HandlerVersions } from "../supervise/slot-deps.ts";
import { KeptPrograms, type KeptProgramsOptions } from "../versions/kept-programs.ts";
import type { Rollback } from "../versions/rollback.ts";
import { Rollbacks } from "../versions/rollbacks.ts";
import { versionToServeFirst } from "../versions/version-before.ts";
import { VersionKeeper, type VersionKeeperOptions } from "../versions/version-keeper.ts";
import { openVersionStore, versionStream } from "../versions/version-store.ts";
import type { Tools } from "./tools.ts";

export interface VersionsOptions extends Pick<VersionKeeperOptions, "clock" | "emit" | "serving"> {
  readonly connection: NatsConnection;
  readonly config: ResolvedConfig;
  readonly tools: Pick<Tools, "place" | "bundler" | "evaluator" | "known">;
  readonly copies: number;
  readonly nowMs: () => number;
  /** Have every replica go by it. Resolves when this one does. */
  readonly sayRollback: (handler: string, rollback: Rollback) => Promise<void>;
}

export interface Versions extends HandlerVersions {
  readonly rollbacks: Rollbacks;
  /** Builds what serves. */
  readonly bundler: Bundler;
  readonly evaluator: Pick<Evaluator, "look">;
  close(): Promise<void>;
}

/** Where the programs of kept versions are laid out. */
export function versionsDir({ stateDir }: ResolvedConfig): string {
  return join(stateDir, "versions");
}

/** What the errors of the store mean. */
export function explainVersions(connection: NatsConnection, app: string): KeptProgramsOptions["explain"] {
  return (error, handler): RuntimeError =>
    jetStreamError(error, {
      connection,
      code: "STREAM_REFUSED",
      handler,
      doing: `the versions of handler "${handler}" in stream "${versionStream(app)}" cannot be had`,
    });
}

export async function createVersions(options: VersionsOptions): Promise<Versions> {
  const { connection, config, tools, copies, clock, emit, serving, nowMs, sayRollback } = options;
  const { app, keepVersions: most } = config;
  const { place } = tools;
  const store = await openVersionStore(connection, app, copies);
  const explain = explainVersions(connection, app);
  const programs = new KeptPrograms({ store, places: [place], dir: versionsDir(config), explain });
  const rollbacks = new Rollbacks({ layOut: (handler, version) => programs.layOut(handler, version), emit });
  const afterMs = runtimeDefaults.keepVersionAfterMs;
  const keeper = new VersionKeeper({ store, place, most, afterMs, serving, explain, clock, emit });
  const mayTry: HandlerVersions["mayTry"] = (bundle) => {
    if (!rollbacks.isOnItsOwn(bundle)) return false;
    return most > 0 && !lacksJetStream(connection) ? true : "not-kept";
  };
  /** What nobody knows before it runs has the word in its code; most handlers need not be asked for. */
  const mayAskForCanary = async ({ handler, path }: Bundle): Promise<boolean> => {
    const known = tools.known(handler);
    return known === undefined ? (await readFile(path, "utf8")).includes("canary") : known.canary !== undefined;
  };
  return {
    rollbacks,
    bundler: rollbacks.over(tools.bundler),
    evaluator: {
      async look(file, bundle) {
        const metadata = rollbacks.metadataOf(bundle);
        return metadata === undefined
          ? tools.evaluator.look(file, bundle)
          : { metadata, env: metadata.env, outside: undefined };
      },
    },
    served(bundle, metadata) {
      const isOwn = rollbacks.metadataOf(bundle) === undefined;
      if (isOwn && most > 0 && !lacksJetStream(connection)) keeper.served(bundle, metadata);
    },
    mayTry,
    async before(bundle) {
      const { handler, version, inputs } = bundle;
      if (mayTry(bundle) !== true || !(await mayAskForCanary(bundle))) return undefined;
      try {
        const ledAwayFrom = rollbacks.fromWith(handler, version);
        const first = versionToServeFirst(await store.kept(handler), version, ledAwayFrom);
        return first && (await rollbacks.layOut(handler, first.version, inputs));
      } catch (error) {
        const { message } = explain(error, handler);
        const what = `version ${version} takes all messages at once, without a canary`;
        emit({ type: "runtime.notice", level: "warn", message: `handler "${handler}": ${what}: ${message}` });
        return undefined;
      }
    },
    async keepNow(bundle, metadata) {
      if (rollbacks.metadataOf(bundle) === undefined) await keeper.keepNow(bundle, metadata);
    },
    async returned(handler, version, to, reason) {
      const from = rollbacks.fromWith(handler, version).filter((one) => one !== to);
      const rollback: Rollback = { to, from, by: "canary", reason, sinceMs: nowMs() };
      await sayRollback(handler, rollback).catch((error: unknown) => {
        const { message } = toRuntimeError(error, `the rollback of handler "${handler}" cannot be said`);
        emit({ type: "runtime.notice", level: "error", message: `${message}: other replicas are not told of it` });
      });
    },
    standingOf: (handler) => rollbacks.standingOf(handler),
    async close() {
      await keeper.close();
      await programs.close();
    },
  };
}
