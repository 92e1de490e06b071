// What a slot or a supervisor needs, without processes, files or NATS: fake workers, binder, bundler and clock.

import type { Bundle } from "../../runtime/bundle/bundle.ts";
import type { Bundler } from "../../runtime/bundle/bundler.ts";
import { handlerDefaults } from "../../runtime/config/defaults.ts";
import { WriteWatches } from "../../runtime/deliver/write-watch.ts";
import type { HandlerFile } from "../../runtime/discover/handler-file.ts";
import { RuntimeError } from "../../runtime/errors.ts";
import { createConcurrencyLimit } from "../../runtime/supervise/concurrency-limit.ts";
import { Evaluator } from "../../runtime/supervise/evaluator.ts";
import { HandlerSlot } from "../../runtime/supervise/handler-slot.ts";
import type { SlotDeps } from "../../runtime/supervise/slot-deps.ts";
import { SubjectClaims } from "../../runtime/supervise/subject-claims.ts";
import { eventRecorder } from "./event-recorder.ts";
import { FakeBinder } from "./fake-binder.ts";
import { type FakeClock, fakeClock } from "./fake-clock.ts";
import { type FakeModule, FakeWorkers } from "./fake-workers.ts";

export interface SlotStage {
  readonly clock: FakeClock;
  readonly workers: FakeWorkers;
  readonly binder: FakeBinder;
  readonly events: ReturnType<typeof eventRecorder>;
  readonly deps: SlotDeps;
  /** From now on the handler's file builds to this; a text does not build, and is the reason. */
  save(handler: string, version: string, module: FakeModule | string): HandlerFile;
  /** A slot for the handler, brought up. */
  slot(handler: string): Promise<HandlerSlot>;
  /** Versions retired, each as often as it was. */
  readonly retired: string[];
}

/** A module that every handler imports. */
export const SHARED = "/nowhere/handlers/_shared.ts";

export function fileOf(name: string): HandlerFile {
  return { name, path: `/nowhere/handlers/${name}.ts`, displayPath: `handlers/${name}.ts` };
}

export function slotStage(changes: Partial<SlotDeps> = {}, candidatesAtOnce = 4): SlotStage {
  const clock = fakeClock();
  const workers = new FakeWorkers();
  const binder = new FakeBinder();
  const events = eventRecorder();
  const { emit } = events;
  const saved = new Map<string, { bundle: Bundle } | { reason: string }>();
  const retired: string[] = [];
  const bundler: Bundler = {
    async build(file) {
      const found = saved.get(file.name) ?? { reason: "it is not there" };
      if ("bundle" in found) return { ok: true, bundle: found.bundle, warnings: [] };
      return { ok: false, error: new RuntimeError("BUNDLE_FAILED", found.reason), inputs: [file.path] };
    },
    program: async () => ({ ok: false, error: new RuntimeError("BUNDLE_FAILED", "no test builds any"), inputs: [] }),
    async retire({ version }) {
      retired.push(version);
    },
    forget: async () => {},
    rest: async () => {},
    close: async () => {},
  };
  const given = {
    rootDir: "/nowhere",
    sourcesDir: "/nowhere",
    defaults: handlerDefaults,
    startTimeoutMs: 10_000,
    known: () => undefined,
    environment: {},
    pool: workers,
    settleMs: 0,
    clock,
    emit,
  };
  const deps: SlotDeps = {
    ...given,
    killGraceMs: 1_000,
    app: "shop",
    maxHops: 16,
    bundler,
    binder,
    claims: new SubjectClaims({ isGivenUp: () => false, onFreed: () => {}, onTakenOver: () => {} }),
    evaluator: new Evaluator(given),
    crowded: () => false,
    writes: new WriteWatches(clock, emit),
    call: () => ({ ok: false, code: 503, message: "nobody is there" }),
    store: async () => ({ ok: false, code: 503, message: "nobody is there" }),
    spans: undefined,
    gate: createConcurrencyLimit(candidatesAtOnce),
    inspectPort: () => undefined,
    ...changes,
  };
  return {
    clock,
    workers,
    binder,
    events,
    deps,
    retired,
    save(handler, version, module) {
      const file = fileOf(handler);
      if (typeof module === "string") {
        saved.set(handler, { reason: module });
        return file;
      }
      const path = `/nowhere/.handlers/${handler}.${version}.mjs`;
      workers.add(path, module);
      saved.set(handler, {
        bundle: { handler, version, path, preload: [], companions: [], inputs: [file.path, SHARED], sizeBytes: 1 },
      });
      return file;
    },
    async slot(handler) {
      const slot = new HandlerSlot(fileOf(handler), deps);
      await slot.reload(fileOf(handler), clock.monotonicMs());
      return slot;
    },
  };
}
