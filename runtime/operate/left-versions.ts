// Versions that are kept of handlers which are gone. They stay until somebody says otherwise: that nobody has a handler now does not
// mean that nobody will, as replicas come and go, and files come back.
//
// P1  A handler that is rolled back keeps its versions: should it come back, one of them is what it is to serve.
// P2  What is stored after it was looked at stays: the handler has come back meanwhile.

import { saidRollbackOf } from "../control/said-rollback.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { openVersionStore, type VersionStore, versionStream } from "../versions/version-store.ts";

export interface LeftVersions {
  readonly handler: string;
  readonly versions: number;
  /** Of their programs, as they are stored. */
  readonly bytes: number;
  /** When one of them began to serve last; 0: nobody has noted it. */
  readonly servedMs: number;
  /** P1. Who has rolled it back. */
  readonly rolledBackBy?: string;
}

export interface Leftovers {
  readonly left: readonly LeftVersions[];
  /** Forget those of one of them. Rejects with STREAM_REFUSED or NATS_REFUSED. */
  forget(one: LeftVersions): Promise<void>;
}

export interface LeftVersionsOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Whether a handler of this name is anywhere. */
  readonly isThere: (handler: string) => boolean;
}

/** By handler, in the order of the alphabet. Rejects with STREAM_REFUSED or NATS_REFUSED. */
export async function leftVersions({ connection, app, isThere }: LeftVersionsOptions): Promise<Leftovers> {
  const asked = async <T>(step: () => Promise<T>): Promise<T> => {
    try {
      return await step();
    } catch (error) {
      const doing = `the versions that are kept in stream "${versionStream(app)}" cannot be tidied up`;
      throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    }
  };
  return asked(async () => {
    const store = await openVersionStore(connection, app, 1);
    const { handlers, upTo } = await store.handlers();
    const gone = handlers.filter((handler) => !isThere(handler)).sort();
    const left = await Promise.all(gone.map((handler) => lookAt(store, { connection, app, handler })));
    return { left, forget: ({ handler }) => asked(() => store.forget(handler, upTo)) };
  });
}

async function lookAt(
  store: VersionStore,
  { connection, app, handler }: { readonly connection: NatsConnection; readonly app: string; readonly handler: string },
): Promise<LeftVersions> {
  const kept = await store.kept(handler);
  const rollback = await saidRollbackOf(connection, app, handler);
  return {
    handler,
    versions: kept.length,
    bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
    servedMs: Math.max(0, ...kept.map(({ servedMs }) => servedMs)),
    ...(rollback === undefined ? {} : { rolledBackBy: rollback.by }),
  };
}
