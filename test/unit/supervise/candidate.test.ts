import { describe, expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import type { WorkerListener } from "../../../runtime/isolate/worker-source.ts";
import type { WorkerEvents } from "../../../runtime/message/worker-port.ts";
import { type CandidateOptions, loadCandidate, setUpCandidate } from "../../../runtime/supervise/candidate.ts";
import { Superseded } from "../../../runtime/supervise/superseded.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { type FakeModule, FakeWorkers } from "../../support/fake-workers.ts";
import { fileOf } from "../../support/slot-stage.ts";

const PATH = "/nowhere/.handlers/h.v1.mjs";
const GOOD: FakeModule = { metadata: { subject: "a" } };
const NEVER = () => new Promise<void>(() => {});
const SILENT: WorkerListener = {
  log: () => {},
  output: () => {},
  outputDropped: () => {},
  call: () => ({ ok: false, code: 503, message: "nobody is there" }),
  store: async () => ({ ok: false, code: 503, message: "nobody is there" }),
};

interface Stage {
  readonly workers: FakeWorkers;
  readonly clock: FakeClock;
  readonly newer: AbortController;
  readonly options: CandidateOptions;
}

function stageWith(module: FakeModule, changes: Partial<CandidateOptions> = {}): Stage {
  const [workers, clock, newer] = [new FakeWorkers(), fakeClock(), new AbortController()];
  workers.add(PATH, module);
  const options: CandidateOptions = {
    file: fileOf("h"),
    bundle: { handler: "h", version: "v1", path: PATH, preload: [], inputs: [], companions: [], sizeBytes: 1 },
    known: undefined,
    rootDir: "/nowhere",
    sourcesDir: "/nowhere",
    defaults: handlerDefaults,
    startTimeoutMs: 10_000,
    environment: {},
    inspectPort: undefined,
    pool: workers,
    clock,
    listener: SILENT,
    signal: newer.signal,
    ...changes,
  };
  return { workers, clock, newer, options };
}

/** Resolves when the only worker has been told to load. */
async function loading({ workers }: Stage): Promise<void> {
  await expect.poll(() => workers.taken[0]?.bundle).toContain(PATH);
}

describe("loading a candidate", () => {
  it("gives what it exports, and the worker it was loaded in", async () => {
    const { options, workers } = stageWith(GOOD);
    const { worker, metadata } = await loadCandidate(options);
    expect([metadata.subjects, worker, workers.alive]).toEqual([["a"], workers.taken[0], [worker]]);
  });

  it("one that wants other memory than was guessed gets another worker, and the first one ends", async () => {
    const { options, workers } = stageWith({ metadata: { subject: "a", memory: "512MB" } });
    const { worker } = await loadCandidate(options);
    expect(workers.taken.map(({ memoryMiB }) => memoryMiB)).toEqual([handlerDefaults.memoryMiB, 512]);
    expect(workers.alive).toEqual([worker]);
  });

  it("what the version before needed is no guess: one load does", async () => {
    const known = { memoryMiB: 512, env: [] };
    const { options, workers } = stageWith({ metadata: { subject: "a", memory: "512MB" } }, { known });
    await loadCandidate(options);
    expect(workers.taken.length).toBe(1);
  });

  it.each([
    ["throws on import", { ...GOOD, evaluate: () => Promise.reject(new TypeError("no")) }, "HANDLER_LOAD_FAILED"],
    ["has wrong metadata", { metadata: { subject: "a b" } }, "METADATA_INVALID"],
    ["lacks a variable of its `env`", { metadata: { subject: "a", env: ["KEY"] } }, "HANDLER_ENV_MISSING"],
    ["is wrong and lacks a variable", { metadata: { subject: "a b", env: ["KEY"] } }, "METADATA_INVALID"],
  ])("one that %s is refused with its file, and leaves no worker", async (_, module, code) => {
    const { options, workers } = stageWith(module);
    await expect(loadCandidate(options)).rejects.toMatchObject({
      code,
      handler: "h",
      place: { file: "handlers/h.ts" },
    });
    expect(workers.alive).toEqual([]);
  });

  it("a variable that is there is handed over, and the rest of the environment is not", async () => {
    const environment = { KEY: "1", OTHER: "2" };
    const { options } = stageWith({ metadata: { subject: "a", env: ["KEY"] } }, { environment });
    expect((await loadCandidate(options)).metadata.env).toEqual(["KEY"]);
  });

  it("one whose process ends says how", async () => {
    const stage = stageWith({ ...GOOD, evaluate: NEVER });
    const loaded = loadCandidate(stage.options);
    await loading(stage);
    stage.workers.taken[0]!.crash({ code: 7 });
    await expect(loaded).rejects.toMatchObject({ code: "HANDLER_LOAD_FAILED", message: expect.stringContaining("7") });
  });

  it("one that hangs is killed when its time is up, and the error says how long it had", async () => {
    const stage = stageWith({ ...GOOD, evaluate: NEVER });
    const loaded = loadCandidate(stage.options);
    await loading(stage);
    stage.clock.advance(9_999);
    expect(stage.workers.alive.length).toBe(1);
    stage.clock.advance(1);
    await expect(loaded).rejects.toMatchObject({
      code: "HANDLER_LOAD_TIMED_OUT",
      message: expect.stringContaining("10000 ms"),
    });
    expect([stage.workers.alive, stage.clock.pending]).toEqual([[], 0]);
  });

  it("newer code ends it at once, without an error to tell", async () => {
    const stage = stageWith({ ...GOOD, evaluate: NEVER });
    const loaded = loadCandidate(stage.options);
    await loading(stage);
    stage.newer.abort();
    await expect(loaded).rejects.toBeInstanceOf(Superseded);
    expect([stage.workers.alive, stage.clock.pending]).toEqual([[], 0]);
  });

  it("newer code before it has begun: no worker is taken", async () => {
    const { options, workers, newer } = stageWith(GOOD);
    newer.abort();
    await expect(loadCandidate(options)).rejects.toBeInstanceOf(Superseded);
    expect(workers.taken).toEqual([]);
  });
});

describe("setting a candidate up", () => {
  async function setUp(setup: () => Promise<void>) {
    const stage = stageWith({ ...GOOD, setup });
    const { worker } = await loadCandidate(stage.options);
    const events = { exited: () => {} } as unknown as WorkerEvents;
    const limits = { concurrency: 1, attempts: 1, timeoutMs: 1 };
    const about = {
      app: "shop",
      envelope: "none",
      propagate: [],
      uses: { kv: [], objects: [] },
      idPrefixes: [""],
    } as const;
    const request = { kind: "event", subjects: ["a"], ...about, ...limits } as const;
    return { stage, done: setUpCandidate(worker, () => worker.start(request, events), stage.options) };
  }

  it("that throws ends the worker, and says that it was the `setup`", async () => {
    const { stage, done } = await setUp(() => Promise.reject(new Error("no database")));
    await expect(done).rejects.toMatchObject({
      code: "HANDLER_SETUP_FAILED",
      message: 'handler "h" threw while running its `setup`: no database',
    });
    expect(stage.workers.alive).toEqual([]);
  });

  it("that hangs ends the worker when its time is up", async () => {
    const { stage, done } = await setUp(NEVER);
    stage.clock.advance(10_000);
    await expect(done).rejects.toMatchObject({
      code: "HANDLER_LOAD_TIMED_OUT",
      message: expect.stringContaining("`setup`"),
    });
    expect(stage.workers.alive).toEqual([]);
  });
});
