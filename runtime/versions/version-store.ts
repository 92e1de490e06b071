// Where the last versions of each handler are kept, for every replica: a stream of the app's.
//
// S1  A handler's list of versions is one message; of two that write it at once, one is told that the other was first.
// S2  A program is compressed, cut, and stored under the digest of its bytes: whoever stores it again stores the same, and what
//     was half stored is never taken for whole.
// S3  The list names a program once it is stored, and the program goes after the list has let go of it.
// S4  What is forgotten of a handler is what was there when somebody looked: who stores a version meanwhile finds it afterwards.

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { handlerOfTokens, handlerTokens } from "../streams/durable-name.ts";
import { OwnRegister } from "../streams/own-register.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { OwnStreamReader } from "../streams/own-stream-reader.ts";
import { OwnStreamWriter } from "../streams/own-stream-writer.ts";
import { type KeptVersion, keptText, readKept, withServed } from "./kept-version.ts";
import type { Program } from "./program.ts";

/** What is set aside on the server is lost to the streams of others: a hundred handlers need no more. */
const MAX_BYTES = 16 * 1024 ** 2;
/** Small enough not to hold up what else goes over the connection. */
const PART_BYTES = 128 * 1024;
const WRITE_MS = 5_000;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

export function versionStream(app: string): string {
  return `VERSIONS_${app}`;
}

/** Everything that is stored of versions. */
export function versionSubjects(app: string): string {
  return `versions.${app}.>`;
}

export interface VersionStoreOptions {
  readonly app: string;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Of the stream, should it have to be made. */
  readonly copies: number;
}

/** What a version is kept with, but for its program. */
export type NewVersion = Omit<KeptVersion, "digest" | "parts" | "bytes">;

/** Asks the server nothing yet. */
export async function openVersionStore(connection: NatsConnection, app: string, copies: number): Promise<VersionStore> {
  const jsm = await managerOf(connection);
  return new VersionStore({ app, js: jetStreamOf(connection), jsm, copies });
}

/** Its methods reject with the client's errors. */
export class VersionStore {
  private readonly options: VersionStoreOptions;
  private readonly reader: OwnStreamReader;
  private readonly writer: OwnStreamWriter;
  /** S1. */
  private readonly lists: OwnRegister;

  constructor(options: VersionStoreOptions) {
    const { app, js, jsm, copies } = options;
    this.options = options;
    this.reader = new OwnStreamReader(jsm, versionStream(app));
    this.writer = new OwnStreamWriter({ js, ensure: () => ensureVersionStream(jsm, app, copies) });
    this.lists = new OwnRegister(this.reader, this.writer, { timeout: WRITE_MS });
  }

  /** Newest first; empty where none is kept. */
  async kept(handler: string): Promise<readonly KeptVersion[]> {
    return (await this.list(handler)).kept;
  }

  /**
   * Note that it serves, with its program where that is not there yet. Resolves with whether anything was written.
   *
   * @param most so many are kept of the handler
   */
  async keep(handler: string, one: NewVersion, most: number, read: () => Promise<Program>): Promise<boolean> {
    for (let stored: KeptVersion | undefined; ; ) {
      const { kept, revision } = await this.list(handler);
      if (kept[0]?.version === one.version) return this.unlessListed(handler, kept, stored);
      const isThere = kept.some(({ version }) => version === one.version);
      if (!isThere) stored ??= { ...one, ...(await this.store(handler, await read())) };
      const served = withServed(kept, stored ?? { ...one, digest: "", parts: 0, bytes: 0 }, most);
      if (!(await this.write(handler, served.kept, revision))) continue; // S1
      for (const { digest } of served.dropped) await this.purge(handler, digest);
      return true;
    }
  }

  /** Rejects with VERSION_NOT_KEPT when parts of it are missing. */
  async program(handler: string, { version, digest, parts }: KeptVersion): Promise<Program> {
    const read: Uint8Array[] = [];
    for (let at = 0; at < parts; at++) {
      const part = await this.reader.get({ last_by_subj: this.partSubject(handler, digest, at) });
      if (part !== null) read.push(part.data);
    }
    const bytes = Buffer.concat(read);
    if (digestOf(bytes) !== digest) throw notWhole(handler, version);
    return JSON.parse((await decompress(bytes)).toString()) as Program;
  }

  /** Of which versions are kept, and the number of the last message that is stored. */
  async handlers(): Promise<{ readonly handlers: readonly string[]; readonly upTo: number }> {
    const { app, jsm } = this.options;
    const lists = `versions.${app}.list.`;
    try {
      const { state } = await jsm.streams.info(versionStream(app), { subjects_filter: `${lists}>` });
      const handlers = Object.keys(state.subjects ?? {}).map((subject) => handlerOfTokens(subject.slice(lists.length)));
      return { handlers, upTo: state.last_seq };
    } catch (error) {
      if (isApiError(error, ApiCode.streamNotFound)) return { handlers: [], upTo: 0 };
      throw error;
    }
  }

  /** S4. All versions of a handler, with programs that no list has. */
  async forget(handler: string, upTo: number): Promise<void> {
    const { app, jsm } = this.options;
    const purge = (filter: string) => jsm.streams.purge(versionStream(app), { filter, seq: upTo + 1 });
    await purge(this.listSubject(handler)); // S3
    if ((await this.kept(handler)).length === 0) await purge(partsSubject(app, handler, "*"));
  }

  private async list(handler: string): Promise<{ readonly kept: KeptVersion[]; readonly revision: number }> {
    const { message, revision } = await this.lists.read(this.listSubject(handler));
    return { kept: message === null ? [] : readKept(message.string()), revision };
  }

  /** S1. False: another was first. */
  private async write(handler: string, kept: readonly KeptVersion[], revision: number): Promise<boolean> {
    return (await this.lists.write(this.listSubject(handler), keptText(kept), revision)) !== undefined;
  }

  /** S2. */
  private async store(handler: string, program: Program): Promise<Pick<KeptVersion, "digest" | "parts" | "bytes">> {
    const bytes = await compress(JSON.stringify(program));
    const digest = digestOf(bytes);
    const parts = Math.ceil(bytes.length / PART_BYTES);
    for (let at = 0; at < parts; at++) {
      const part = bytes.subarray(at * PART_BYTES, (at + 1) * PART_BYTES);
      await this.writer.publish(this.partSubject(handler, digest, at), part, { timeout: WRITE_MS });
    }
    return { digest, parts, bytes: bytes.length };
  }

  /** Another replica has kept the version meanwhile: a program of other bytes would lie there for nobody. */
  private async unlessListed(
    handler: string,
    kept: readonly KeptVersion[],
    stored: KeptVersion | undefined,
  ): Promise<boolean> {
    if (stored === undefined) return false;
    if (!kept.some(({ digest }) => digest === stored.digest)) await this.purge(handler, stored.digest);
    return true;
  }

  /** S3. */
  private async purge(handler: string, digest: string): Promise<void> {
    const { app, jsm } = this.options;
    await jsm.streams.purge(versionStream(app), { filter: partsSubject(app, handler, digest) });
  }

  private listSubject(handler: string): string {
    return `versions.${this.options.app}.list.${handlerTokens(handler)}`;
  }

  private partSubject(handler: string, digest: string, at: number): string {
    return partsSubject(this.options.app, handler, digest, String(at));
  }
}

function partsSubject(app: string, handler: string, digest: string, at = "*"): string {
  return `versions.${app}.program.${digest}.${at}.${handlerTokens(handler)}`;
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 24);
}

function notWhole(handler: string, version: string): RuntimeError {
  const message = `version ${version} of handler "${handler}" is kept no longer: parts of it are missing`;
  return new RuntimeError("VERSION_NOT_KEPT", message, {
    handler,
    remedy: "`handlers inspect` shows the versions that are kept.",
  });
}

export async function ensureVersionStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: versionStream(app),
    description: `the last versions of the handlers of app ${app}`,
    subjects: [versionSubjects(app)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // Full: the newest version is not kept. Nothing that is listed is pushed out.
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
  };
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies });
}

/** Rejects with STREAM_REFUSED or NATS_REFUSED. Without JetStream there is none. */
export async function provisionVersions(connection: NatsConnection, app: string, copies: number): Promise<void> {
  if (lacksJetStream(connection)) return;
  try {
    await ensureVersionStream(await managerOf(connection), app, copies);
  } catch (error) {
    const doing = `stream "${versionStream(app)}", for the last versions of handlers, could not be set up`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}
