// The stream that a durable handler takes from: named by its metadata, or found by its subject. Where none takes the
// subject, `dev` makes one.
//
// M1  A stream is ours when it is declared by name or was made by us for this app (its description says so). No other
//     stream is changed.
// M2  A stream made by us is only ever widened.
// M3  What a handler would miss, since it is stored under another subject, is refused.
// M4  A stream is widened when JetStream's leader knows it: that one says who may take from the stream. Of a change written
//     just as it was being elected it may know nothing (2.9), while the stream's own leader says that all is done.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import type { Store } from "../metadata/handler-metadata.ts";
import { storeText, streamOfStore } from "../metadata/store.ts";
import { overlaps } from "../metadata/subject.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { changeStream } from "./change-stream.ts";
import { makeBucket } from "./make-bucket.ts";
import { findStream, makeStream } from "./make-stream.ts";
import { madeBy } from "./own-streams.ts";
import { canStore, isStoredElsewhere, storedSubjects, transformOf } from "./stored-subjects.ts";
import {
  bucketMissing,
  configLine,
  listed,
  namedMissing,
  noStream,
  notListedYet,
  notStoredThere,
  partly,
  severalStreams,
  storedElsewhere,
  streamError,
} from "./stream-errors.ts";
import { streamsTaking } from "./stream-names.ts";
import { madeStreamName } from "./stream-settings.ts";
import { coveredBy, widened } from "./subject-cover.ts";

export interface StreamFinderOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Names of the declared streams. */
  readonly declared: readonly string[];
  /** Make a stream for a subject that none takes. */
  readonly provision: boolean;
  /** Of a stream that is made, in a cluster. */
  readonly copies: number;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** What a handler's metadata says of its stream. */
export interface NamedStream {
  readonly stream?: string | undefined;
  /** Whose stream that is. */
  readonly store?: Store | undefined;
  readonly domain?: string | undefined;
}

interface Wanted extends NamedStream {
  readonly subject: string;
  readonly handler: string;
}

/** Most streams looked through for one that is not found by its subjects. */
const MOST_LOOKED_THROUGH = 200;

/** Of making a stream that others are making too. */
const MOST_TRIES = 3;

export class StreamFinder {
  private readonly options: StreamFinderOptions;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly made = new Set<string>();

  constructor(options: StreamFinderOptions) {
    this.options = options;
  }

  /** The app's own streams: those declared, and those made for it that were met so far. */
  get own(): readonly string[] {
    return [...this.options.declared, ...this.made];
  }

  /**
   * The one stream that holds everything the subject can stand for. One after another, as each may make a stream.
   * Rejects with STREAM_MISSING, STREAM_REFUSED or NATS_REFUSED.
   */
  streamFor(subject: string, handler: string, named: NamedStream = {}): Promise<string> {
    const next = this.turn.then(() => this.find({ subject, handler, ...named }));
    this.turn = next.catch(() => undefined); // Told to whoever asked.
    return next;
  }

  /** As `look`; undefined also when that cannot be said now. Never rejects. */
  async where(subject: string, named: NamedStream = {}): Promise<string | undefined> {
    // No answer, or no right to ask: whoever asks looks again.
    return this.look(subject, named).catch(() => undefined);
  }

  /** As `streamFor`, and nothing is made: undefined when no stream has all of the subject. Rejects as the client does. */
  async look(subject: string, { stream, domain }: NamedStream = {}): Promise<string | undefined> {
    if (stream !== undefined) return stream;
    const [name, ...more] = await streamsTaking(this.options.connection, subject, domain);
    if (name === undefined || more.length > 0) return undefined;
    const { config } = await (await this.manager(domain)).streams.info(name);
    return coveredBy(config.subjects, subject) && !isStoredElsewhere(config, subject) ? name : undefined;
  }

  private async find(wanted: Wanted): Promise<string> {
    const { subject, handler } = wanted;
    try {
      const jsm = await this.manager(wanted.domain);
      return await (wanted.stream === undefined
        ? this.bySubject(jsm, wanted)
        : this.byName(jsm, wanted.stream, wanted));
    } catch (error) {
      throw streamError(error, this.options.connection, `no stream could be found for "${subject}"`, handler);
    }
  }

  private manager(domain: string | undefined): Promise<JetStreamManager> {
    return managerOf(this.options.connection, { domain });
  }

  private async byName(jsm: JetStreamManager, name: string, wanted: Wanted): Promise<string> {
    const { subject, handler, domain, store } = wanted;
    const found = await findStream(jsm, name);
    if (found === undefined && store !== undefined) return this.bucket(jsm, store, wanted);
    if (found === undefined) throw namedMissing(name, domain, handler);
    if (canStore(found.config, subject)) return name;
    if (isStoredElsewhere(found.config, subject)) throw storedElsewhere(subject, name, found.config, handler);
    throw notStoredThere(subject, name, storedSubjects(found.config) ?? [], handler);
  }

  /** It is not there. Resolves with its stream's name. */
  private async bucket(jsm: JetStreamManager, store: Store, { domain, handler }: Wanted): Promise<string> {
    const { app, copies, emit, provision } = this.options;
    if (!provision || domain !== undefined) throw bucketMissing(store, domain, handler);
    await makeBucket(jsm, store, app, copies);
    const message = `there was no ${storeText(store)}, so it was made for handler "${handler}", with what clients of NATS choose by themselves`;
    emit({ type: "runtime.notice", level: "info", message });
    return streamOfStore(store);
  }

  private async bySubject(jsm: JetStreamManager, wanted: Wanted, tries = 1): Promise<string> {
    const { subject, handler, domain } = wanted;
    const names = await streamsTaking(this.options.connection, subject, domain);
    const [name] = names;
    const provision = this.options.provision && domain === undefined;
    if (name === undefined) {
      const elsewhere = await holding(jsm, subject);
      if (!provision || elsewhere.length > 0) throw noStream(subject, handler, elsewhere);
      return await this.make(jsm, subject).catch((error: unknown) => this.afterOthers(error, jsm, wanted, tries));
    }
    if (names.length > 1) throw severalStreams(subject, names, handler);
    const { config } = await jsm.streams.info(name);
    if (this.isMade(config)) this.made.add(name);
    if (isStoredElsewhere(config, subject)) throw storedElsewhere(subject, name, config, handler);
    if (coveredBy(config.subjects, subject)) return name;
    if (provision && this.isMade(config)) return await this.widen(jsm, name, subject);
    throw partly(subject, name, config.subjects, handler);
  }

  /** Another replica was first, for this subject or for another one: what it has made is looked at. */
  private afterOthers(error: unknown, jsm: JetStreamManager, wanted: Wanted, tries: number): Promise<string> {
    const wasFirst = isApiError(error, ApiCode.streamNameInUse, ApiCode.subjectsOverlap);
    if (!wasFirst || tries >= MOST_TRIES) throw error;
    return this.bySubject(jsm, wanted, tries + 1);
  }

  private async make(jsm: JetStreamManager, subject: string): Promise<string> {
    const { app, emit, copies } = this.options;
    const name = await this.freeName(jsm, subject);
    if (name.isMade) return this.widen(jsm, name.name, subject);
    this.made.add(name.name);
    await makeStream(jsm, { name: name.name, subjects: [subject], description: madeBy(app) }, copies);
    const line = configLine(name.name, [subject]);
    const message = `no stream takes "${subject}", so stream "${name.name}" was made for it. To choose its limits, add to handlers.config.ts: ${line}`;
    emit({ type: "runtime.notice", level: "info", message });
    return name.name;
  }

  /** A name that is not taken, or that of a stream we made before. */
  private async freeName(jsm: JetStreamManager, subject: string): Promise<{ name: string; isMade: boolean }> {
    const wanted = madeStreamName(this.options.app, subject);
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}_${number}`;
      const found = await findStream(jsm, name);
      if (found === undefined) return { name, isMade: false };
      if (this.isMade(found.config)) return { name, isMade: true };
    }
  }

  /** M2. */
  private async widen(jsm: JetStreamManager, name: string, subject: string): Promise<string> {
    const { connection, emit } = this.options;
    let isTold = false;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const subjects = await this.addSubject(jsm, name, subject, tries > 0);
      if (subjects !== undefined && !isTold) {
        const message = `stream "${name}", made by us, now takes ${listed(subjects)}`;
        emit({ type: "runtime.notice", level: "info", message });
        isTold = true;
      }
      if ((await streamsTaking(connection, subject)).includes(name)) return name; // M4
    }
    throw notListedYet(name, subject);
  }

  /** Resolves with what it takes now; undefined: it did so before. `again`: it is written all the same, once. */
  private async addSubject(jsm: JetStreamManager, name: string, subject: string, again: boolean) {
    let wider: readonly string[] | undefined;
    await changeStream(jsm, name, this.options.clock, ({ subjects }) => {
      const isDone = coveredBy(subjects, subject) && (!again || wider !== undefined);
      if (isDone) return undefined;
      wider = widened(subjects, subject);
      return { subjects: [...wider] };
    });
    return wider;
  }

  /** M1. A declared stream is as its declaration says, not as a handler would like it. */
  private isMade({ name, description }: { name: string; description?: string }): boolean {
    return description === madeBy(this.options.app) && !this.options.declared.includes(name);
  }
}

/** Streams that hold messages of the subject and are not found by it. Empty where we may not look. */
async function holding(jsm: JetStreamManager, subject: string): Promise<string[]> {
  const found: string[] = [];
  let looked = 0;
  try {
    for await (const { config, state } of jsm.streams.list()) {
      if (++looked > MOST_LOOKED_THROUGH) break;
      const { to } = transformOf(config) ?? {};
      const copies = storedSubjects(config) === undefined;
      if (to !== undefined && overlaps(to, subject)) found.push(config.name);
      else if (copies && state.messages > 0 && (await holds(jsm, config.name, subject))) found.push(config.name);
    }
  } catch {
    // Only for a better remedy: the refusal stands without it.
  }
  return found;
}

async function holds(jsm: JetStreamManager, name: string, subject: string): Promise<boolean> {
  const { state } = await jsm.streams.info(name, { subjects_filter: subject });
  return Object.keys(state.subjects ?? {}).length > 0;
}
