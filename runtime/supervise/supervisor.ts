// All handlers: keeps the slots in step with the files. What is on disk is wanted; what has a slot is running.
//
// V1  A file that is gone is taken down only when it is still gone REMOVAL_GRACE_MS later: editors save by moving
//     the file away and back.
// V2  One handler's trouble is its own: every step of a slot ends in a state, never in a rejection.

import { dependentsOf } from "../bundle/dependents.ts";
import type { Clock, Timer } from "../clock.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { type ScanResult, scan } from "../discover/scan.ts";
import type { Emit } from "../events.ts";
import { HandlerSlot } from "./handler-slot.ts";
import type { HandlerStatus } from "./handler-status.ts";
import type { SlotServices } from "./slot-services.ts";
import { SubjectClaims } from "./subject-claims.ts";

export interface SupervisorOptions {
  readonly rootDir: string;
  readonly handlersDir: string;
  /** Whether a handler of this name is to be served at all. */
  readonly wanted: (name: string) => boolean;
  readonly services: Omit<SlotServices, "claims">;
  readonly clock: Clock;
  readonly emit: Emit;
  /** The files outside the handlers folder that handlers are built from have changed. */
  readonly onInputs: (paths: ReadonlySet<string>) => void;
}

const REMOVAL_GRACE_MS = 250;

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly services: SlotServices;
  private readonly slots = new Map<string, HandlerSlot>();
  private readonly files = new Map<string, HandlerFile>();
  private told = new Set<string>();
  private removal: Timer | undefined;
  private scanning: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    const claims = new SubjectClaims((handler) => this.bringUp(handler, options.clock.monotonicMs()));
    this.services = { ...options.services, claims };
  }

  /** Discover and bring up every handler. Resolves when each serves or has failed. */
  async start(): Promise<void> {
    await this.reconcile(new Set(), this.options.clock.monotonicMs());
    await this.settled();
  }

  /** Files may have changed: build again what depends on them, start what is new, end what is gone. */
  changed(paths: ReadonlySet<string>): Promise<void> {
    const noticedAtMs = this.options.clock.monotonicMs();
    this.scanning = this.scanning.then(() => this.reconcile(paths, noticedAtMs));
    return this.scanning;
  }

  /** Build and bring up one handler again, or all of them. */
  reload(name: string): Promise<void> | undefined {
    return this.bringUp(name, this.options.clock.monotonicMs());
  }

  status(): HandlerStatus[] {
    return [...this.slots.values()].map((slot) => slot.status).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Resolves when no slot is in the middle of a step. */
  async settled(): Promise<void> {
    await Promise.all([...this.slots.values()].map((slot) => slot.settled()));
  }

  /** Drain every handler. Resolves with what did not end in time, as `name: subject`. */
  async close(graceMs: number): Promise<string[]> {
    this.closed = true;
    this.removal?.cancel();
    await this.scanning;
    const left = await Promise.all(
      [...this.slots.values()].map(async (slot) =>
        (await slot.close(graceMs)).map((subject) => `${slot.name}: ${subject}`),
      ),
    );
    return left.flat();
  }

  private async reconcile(paths: ReadonlySet<string>, noticedAtMs: number): Promise<void> {
    if (this.closed) return;
    const { rootDir, handlersDir, wanted } = this.options;
    const found = await scan(rootDir, handlersDir);
    this.tellFaults(found);
    const files = new Map(found.files.filter(({ name }) => wanted(name)).map((file) => [file.name, file]));
    const inputs = new Map([...this.slots].map(([name, slot]) => [name, slot.inputs]));
    const dependents = dependentsOf(paths, inputs);
    // A second file of the same name is like a bad save: what served goes on, until one of the two is gone.
    const conflicted = new Set(found.conflicts.map(({ name }) => name));
    const missing = [...this.slots.keys()].filter((name) => !files.has(name) && !conflicted.has(name));
    for (const [name, file] of files) {
      const before = this.files.get(name);
      this.files.set(name, file);
      if (before === undefined) this.add(file, noticedAtMs);
      else if (before.path !== file.path || dependents.has(name)) this.bringUp(name, noticedAtMs);
    }
    if (missing.length > 0) this.removeLater(missing);
    this.followInputs();
  }

  private add(file: HandlerFile, noticedAtMs: number): void {
    this.options.emit({ type: "handler.discovered", handler: file.name, file: file.displayPath });
    this.slots.set(file.name, new HandlerSlot(file, this.services));
    this.bringUp(file.name, noticedAtMs);
  }

  private bringUp(name: string, noticedAtMs: number): Promise<void> | undefined {
    const slot = this.slots.get(name);
    const file = this.files.get(name);
    if (slot === undefined || file === undefined || this.closed) return undefined;
    return slot.reload(file, noticedAtMs).then(() => this.followInputs());
  }

  /** V1. */
  private removeLater(names: readonly string[]): void {
    this.removal?.cancel();
    this.removal = this.options.clock.after(REMOVAL_GRACE_MS, () => {
      this.scanning = this.scanning.then(() => this.removeMissing(names));
    });
  }

  private async removeMissing(names: readonly string[]): Promise<void> {
    const { rootDir, handlersDir, wanted, emit } = this.options;
    const found = await scan(rootDir, handlersDir);
    const present = new Set([...found.files, ...found.conflicts].map(({ name }) => name).filter(wanted));
    for (const name of names) {
      const slot = this.slots.get(name);
      if (slot === undefined || present.has(name) || this.closed) continue;
      this.slots.delete(name);
      this.files.delete(name);
      void slot
        .close()
        .then(() => this.services.bundler.forget(name))
        .then(() => emit({ type: "handler.removed", handler: name }));
    }
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
        serving: this.servingVersion(error.handler),
      });
    }
    this.told = new Set(errors.map(({ message }) => message));
  }

  private servingVersion(name: string | undefined): string | undefined {
    return name === undefined ? undefined : this.slots.get(name)?.status.version;
  }

  private followInputs(): void {
    this.options.onInputs(new Set([...this.slots.values()].flatMap((slot) => slot.inputs)));
  }
}
