// All handlers: keeps the slots in step with the files. What is on disk is wanted; what has a slot is running.
//
// V1  A file that is gone is taken down only when it is still gone REMOVAL_GRACE_MS later: editors save by moving
//     the file away and back. At once, when another handler has come up on its subject: then it was renamed. Whether one
//     that is coming up will do so is waited for, RENAME_MS at most.
// V2  One handler's trouble is its own: every step of a slot ends in a state, never in a rejection.

import type { Bundler } from "../bundle/bundler.ts";
import { dependentsOf } from "../bundle/dependents.ts";
import { type Clock, type Timer, within } from "../clock.ts";
import type { HandlerStats } from "../deliver/handler-stats.ts";
import type { RunningDelivery } from "../deliver/route.ts";
import { WriteWatches } from "../deliver/write-watch.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { ScanResult } from "../discover/scan.ts";
import type { Emit } from "../events.ts";
import { Groups } from "./groups.ts";
import { HandlerSlot } from "./handler-slot.ts";
import type { HandlerStatus } from "./handler-status.ts";
import { HeldPlaces } from "./held-places.ts";
import { type Disabled, heldFromStart } from "./intent.ts";
import { type Invoked, invokeOnce } from "./invoke.ts";
import { MissingFiles } from "./missing-files.ts";
import { type SelfDescription, selfDescriptionOf } from "./self-description.ts";
import { type SharedMistakes, sharedMistakes } from "./shared-mistakes.ts";
import type { SlotDeps } from "./slot-deps.ts";
import { SubjectClaims } from "./subject-claims.ts";
import { tellWarnings } from "./tell-warnings.ts";

export interface SupervisorOptions {
  /** Which handlers there are now. */
  readonly discover: () => Promise<ScanResult>;
  /** Whether there is to be a slot for a handler of this name. */
  readonly wanted: (name: string) => boolean;
  /** What configuration and environment say of the handler. */
  readonly disabledFromStart: (name: string) => Disabled | undefined;
  /** Every handler is off until it is let go. */
  readonly hold: boolean;
  /** Up to this many handlers get a process each at the start. */
  readonly eagerWorkers: number;
  readonly deps: Omit<SlotDeps, "claims" | "crowded" | "writes" | "groups">;
  /** Builds what the files are now, whatever is served instead; undefined: that of `deps`. */
  readonly ownBundler?: Bundler | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
  /** The files that handlers are built from may be others than before; undefined: nobody follows them. */
  readonly onInputs: ((paths: ReadonlySet<string>) => void) | undefined;
}

export interface HandlerReading {
  readonly status: HandlerStatus;
  readonly stats: HandlerStats;
  readonly description: string;
}

const REMOVAL_GRACE_MS = 250;
const RENAME_MS = 10_000;
const FOLLOW_AFTER_MS = 5;

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly deps: SlotDeps;
  private readonly mistakes: SharedMistakes;
  private readonly places: HeldPlaces;
  private readonly groups: Groups;
  private readonly slots = new Map<string, HandlerSlot>();
  private readonly files = new Map<string, HandlerFile>();
  private readonly operatorSaid = new Map<string, Disabled>();
  private readonly letGoOf = new Set<string>();
  /** Slots of removed files, finishing what they have in flight. */
  private readonly leaving = new Map<Promise<void>, string>();
  private told = new Set<string>();
  private readonly missing: MissingFiles;
  private following: Timer | undefined;
  private scanning: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.missing = new MissingFiles(options.clock, REMOVAL_GRACE_MS, () => {
      this.scanning = this.scanning.then(() => this.removeMissing());
    });
    const claims = new SubjectClaims({
      isGivenUp: (handler) => this.missing.has(handler),
      onFreed: (handler) => this.bringUp(handler, options.clock.monotonicMs()),
      onTakenOver: (handler) => this.remove(handler),
    });
    const crowded = () => this.slots.size > options.eagerWorkers;
    const fileOf = (handler: string) => this.files.get(handler)?.displayPath;
    this.mistakes = sharedMistakes({ clock: options.clock, emit: options.emit, fileOf });
    const bundler = tellWarnings(options.deps.bundler, options.emit);
    const writes = new WriteWatches(options.clock, options.emit);
    const find = (name: string) => {
      const file = this.files.get(name);
      return file && { file, metadata: this.slots.get(name)?.metadata };
    };
    this.places = new HeldPlaces({ deps: options.deps, find });
    const emit: Emit = (event) => {
      this.mistakes.emit(event);
      this.places.saw(event);
    };
    this.groups = new Groups({
      pool: options.deps.pool,
      bundler: options.ownBundler ?? options.deps.bundler,
      defaults: options.deps.defaults,
      files: () => this.files.values(),
      metadataOf: (handler) => this.slots.get(handler)?.metadata ?? options.deps.known(handler),
      moveOver: (handler) => void this.reload(handler, { force: true }),
      emit,
    });
    this.deps = { ...options.deps, bundler, emit, claims, crowded, writes, groups: this.groups };
  }

  /** Discover and bring up every handler. Resolves when each serves or has failed. */
  async start(): Promise<void> {
    const startedAtMs = this.options.clock.monotonicMs();
    await this.reconcile(new Set(), startedAtMs);
    await this.settled();
  }

  /** Files may have changed: build again what depends on them, start what is new, end what is gone. */
  changed(paths: ReadonlySet<string>): Promise<void> {
    const noticedAtMs = this.options.clock.monotonicMs();
    this.scanning = this.scanning.then(() => this.reconcile(paths, noticedAtMs));
    return this.scanning;
  }

  /** Build and bring up a handler again; with `force` also when nothing in it has changed. Undefined when there is none. */
  reload(name: string, { force = false } = {}): Promise<void> | undefined {
    return this.bringUp(name, this.options.clock.monotonicMs(), force);
  }

  /** The operator's word on a handler, which need not be there yet. Resolves when it is in force; never rejects. */
  async setOperatorIntent(name: string, disabled: Disabled | undefined): Promise<void> {
    if (disabled === undefined) this.operatorSaid.delete(name);
    else this.operatorSaid.set(name, disabled);
    const slot = this.slots.get(name);
    await slot?.setIntent("operator", disabled);
    // Metadata may have its say first, and what it says may bring the handler up.
    if (disabled === undefined) await slot?.settled();
  }

  /** A handler that is held from the start, which need not be there yet, is so no longer: before what is asked of it next. */
  letGo(name: string): void {
    if (!this.options.hold || this.letGoOf.has(name)) return;
    this.letGoOf.add(name);
    void this.slots.get(name)?.setIntent("start", undefined);
  }

  /** Run a handler once, by hand. Undefined when there is none of that name; rejects when it does not come up. */
  async invoke(
    name: string,
    payload: Uint8Array,
    headers: readonly (readonly [string, string])[],
  ): Promise<Invoked | undefined> {
    const file = this.files.get(name);
    return file === undefined ? undefined : invokeOnce(file, this.deps, payload, headers);
  }

  /** What a handler says of itself. Undefined when there is none of that name; rejects when it does not load. */
  async describe(name: string): Promise<SelfDescription | undefined> {
    const file = this.files.get(name);
    return file === undefined ? undefined : selfDescriptionOf(file, this.deps);
  }

  /** What runs, of every handler. */
  running(): { readonly handler: string; readonly deliveries: readonly RunningDelivery[] }[] {
    return [...this.slots.values()].map((slot) => ({ handler: slot.name, deliveries: slot.messages.all() }));
  }

  /** End a message that a handler runs, for good. Undefined when it runs none of that id. Resolves when it has ended. */
  cancel(handler: string, id: string, by: string): Promise<void> | undefined {
    return this.slots.get(handler)?.messages.cancel(id, by);
  }

  /** The version of the handler that serves; undefined when none does. */
  servingVersion(name: string): string | undefined {
    return this.slots.get(name)?.status.version;
  }

  status(): HandlerStatus[] {
    const all = [...this.slots.values()].map(({ name, status }) => {
      const sharesWith = this.groups.sharing(name).filter((other) => other !== name);
      return sharesWith.length === 0 ? status : { ...status, sharesWith };
    });
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How every handler stands, with its counters themselves: they go on counting. */
  readings(): HandlerReading[] {
    const slots = [...this.slots.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return slots.map(({ status, stats, metadata }) => ({ status, stats, description: metadata?.description ?? "" }));
  }

  /** A dead letter of the handler is stored. */
  deadLetterKept(handler: string): void {
    const slot = this.slots.get(handler);
    if (slot !== undefined) slot.stats.deadLetters++;
  }

  /** This replica saw to a planned time of the handler, or passed some over. */
  planned(handler: string, what: keyof HandlerStats["plannedTimes"], count: number): void {
    const slot = this.slots.get(handler);
    if (slot !== undefined) slot.stats.plannedTimes[what] += count;
  }

  /** Resolves when no slot is in the middle of a step. */
  async settled(): Promise<void> {
    await Promise.all([...this.slots.values()].map((slot) => slot.settled()));
  }

  /** Drain every handler. Resolves with what did not end in time, as `name: subject`. */
  async close(graceMs: number): Promise<string[]> {
    this.closed = true;
    this.missing.stop();
    this.places.close();
    this.following?.cancel();
    this.mistakes.close();
    await this.scanning;
    const removed = within(this.options.clock, graceMs, Promise.all(this.leaving.keys()));
    const left = await Promise.all(
      [...this.slots.values()].map(async (slot) =>
        (await slot.close(graceMs)).map((subject) => `${slot.name}: ${subject}`),
      ),
    );
    // Their workers are ended with all the others.
    const late = (await removed) === "expired" ? [...this.leaving.values()].map((name) => `${name}: removed`) : [];
    return [...left.flat(), ...late];
  }

  private async reconcile(paths: ReadonlySet<string>, noticedAtMs: number): Promise<void> {
    if (this.closed) return;
    const { discover, wanted } = this.options;
    const found = await discover();
    this.tellFaults(found);
    const files = new Map(found.files.filter(({ name }) => wanted(name)).map((file) => [file.name, file]));
    const inputs = new Map([...this.slots].map(([name, slot]) => [name, slot.inputs]));
    const dependents = dependentsOf(paths, inputs);
    this.missing.saw(this.missingFrom(found));
    for (const [name, file] of files) {
      const before = this.files.get(name);
      this.files.set(name, file);
      if (before === undefined) this.add(file, noticedAtMs);
      else if (before.path !== file.path || dependents.has(name)) this.bringUp(name, noticedAtMs);
    }
    this.followInputs();
  }

  private add(file: HandlerFile, noticedAtMs: number): void {
    this.options.emit({ type: "handler.discovered", handler: file.name, file: file.displayPath });
    const slot = new HandlerSlot(file, this.deps);
    this.slots.set(file.name, slot);
    const disabled = this.options.disabledFromStart(file.name);
    if (disabled !== undefined) void slot.setIntent(disabled.source, disabled);
    const { hold, clock } = this.options;
    if (hold && !this.letGoOf.has(file.name)) void slot.setIntent("start", heldFromStart(clock.nowMs()));
    const said = this.operatorSaid.get(file.name);
    if (said !== undefined) void slot.setIntent("operator", said);
    this.bringUp(file.name, noticedAtMs);
  }

  private bringUp(name: string, noticedAtMs: number, force = false): Promise<void> | undefined {
    const slot = this.slots.get(name);
    const file = this.files.get(name);
    if (slot === undefined || file === undefined || this.closed) return undefined;
    return slot.reload(file, noticedAtMs, force).then(() => this.followInputs());
  }

  /** A second file of the same name is like a bad save: what served goes on, until one of the two is gone. */
  private missingFrom({ files, conflicts }: ScanResult): string[] {
    const present = new Set([...files, ...conflicts].map(({ name }) => name).filter(this.options.wanted));
    return [...this.slots.keys()].filter((name) => !present.has(name));
  }

  /** V1. */
  private async removeMissing(): Promise<void> {
    if (this.closed) return;
    this.missing.saw(this.missingFrom(await this.options.discover()));
    const isComing = [...this.slots.values()].some(({ status }) => status.state === "starting");
    for (const name of this.missing.gone(isComing ? RENAME_MS : REMOVAL_GRACE_MS)) this.remove(name);
  }

  private remove(name: string): void {
    const slot = this.slots.get(name);
    if (slot === undefined || this.closed) return;
    this.slots.delete(name);
    this.files.delete(name);
    this.missing.forget(name);
    const gone = slot
      .close()
      // A file of that name may be there again, with a slot of its own.
      .then(() => (this.slots.has(name) ? undefined : this.deps.bundler.forget(name)))
      .then(() => {
        this.options.emit({ type: "handler.removed", handler: name });
        // A file of that name may be there again, and go on where this one was.
        if (!this.slots.has(name)) this.deps.binder.removed(name);
      })
      .finally(() => this.leaving.delete(gone));
    this.leaving.set(gone, name);
    this.followInputs();
  }

  /** Each fault once, and again when it comes back after it was gone. */
  private tellFaults({ conflicts, problems }: ScanResult): void {
    const errors = [...problems, ...conflicts.map(({ error }) => error)];
    for (const error of errors) {
      if (this.told.has(error.message)) continue;
      this.options.emit({
        type: "handler.failed",
        handler: error.handler ?? "",
        error,
        serving: error.handler === undefined ? undefined : this.servingVersion(error.handler),
      });
    }
    this.told = new Set(errors.map(({ message }) => message));
  }

  /** Once for all that happens in a moment: with many handlers it is a long list. */
  private followInputs(): void {
    const { onInputs } = this.options;
    if (onInputs === undefined) return;
    this.following ??= this.options.clock.after(FOLLOW_AFTER_MS, () => {
      this.following = undefined;
      onInputs(new Set([...this.slots.values()].flatMap((slot) => slot.inputs)));
    });
  }
}
