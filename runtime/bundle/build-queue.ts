// When to build what: a bounded number of runs at a time, one of each handler at a time, and many together when many wait.
//
// Q1  A call for a handler that is already waiting joins it: both get that build's result.
// Q2  A call for a handler that is being built waits for a build of its own: the running one may have read the old file.
// Q3  Calls made one after another without waiting are seen together, so that a thousand handlers go in few runs.
import type { HandlerFile } from "../discover/handler-file.ts";

export interface BuildQueue<T> {
  add(file: HandlerFile): Promise<T>;
  /** Run `action` while no build of this handler runs; builds asked for meanwhile follow it. */
  whileIdle(handler: string, action: () => Promise<void>): Promise<void>;
  /** Resolves when all running and waiting builds have ended. */
  drain(): Promise<void>;
}

export interface BuildQueueOptions<T> {
  /** Results in the order of the files. Must not reject. */
  readonly build: (files: readonly HandlerFile[]) => Promise<readonly T[]>;
  readonly mostRuns: number;
  readonly mostTogether: number;
}

interface Waiting<T> {
  file: HandlerFile;
  readonly result: PromiseWithResolvers<T>;
}

export function createBuildQueue<T>({ build, mostRuns, mostTogether }: BuildQueueOptions<T>): BuildQueue<T> {
  const waiting = new Map<string, Waiting<T>>();
  const busy = new Map<string, Promise<void>>();
  const actions = new Map<string, Promise<void>>();
  let runs = 0;
  let pumpIsDue = false;

  function pumpSoon() {
    if (pumpIsDue) return;
    pumpIsDue = true;
    queueMicrotask(pump);
  }

  function pump() {
    pumpIsDue = false;
    while (runs < mostRuns) {
      const ready = [...waiting.values()].filter(({ file: { name } }) => !busy.has(name) && !actions.has(name));
      if (ready.length === 0) return;
      start(ready.slice(0, howMany(ready.length)));
    }
  }

  /** Few are built one by one, so that each is live as soon as it can be. */
  function howMany(ready: number): number {
    return ready <= mostRuns ? 1 : Math.min(mostTogether, Math.ceil(ready / (mostRuns - runs)));
  }

  function start(batch: readonly Waiting<T>[]) {
    runs++;
    const run = finish(batch);
    for (const { file } of batch) {
      waiting.delete(file.name);
      busy.set(file.name, run);
    }
  }

  async function finish(batch: readonly Waiting<T>[]): Promise<void> {
    try {
      const results = await build(batch.map(({ file }) => file));
      for (const [index, { result }] of batch.entries()) result.resolve(results[index] as T);
    } catch (error) {
      for (const { result } of batch) result.reject(error);
    } finally {
      runs--;
      for (const { file } of batch) busy.delete(file.name);
      pumpSoon();
    }
  }

  return {
    add(file) {
      const known = waiting.get(file.name);
      const entry = known ?? { file, result: Promise.withResolvers<T>() };
      entry.file = file;
      waiting.set(file.name, entry);
      pumpSoon();
      return entry.result.promise;
    },
    async whileIdle(handler, action) {
      const before = actions.get(handler) ?? busy.get(handler) ?? Promise.resolve();
      const done = before.then(action);
      const ended = done.catch(() => {}); // told to the caller, below
      actions.set(handler, ended);
      try {
        await done;
      } finally {
        if (actions.get(handler) === ended) actions.delete(handler);
        pumpSoon();
      }
    },
    async drain() {
      while (busy.size + waiting.size + actions.size > 0) {
        const results = [...waiting.values()].map(({ result }) => result.promise.catch(() => {}));
        await Promise.all([...results, ...busy.values(), ...actions.values()]);
      }
    },
  };
}
