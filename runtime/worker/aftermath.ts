// What a bundle leaves behind in the process that it was only looked at in: others are going to be looked at after it.
//
// A1  "clean": the process is as it was before, and nothing of the bundle is going to happen in it any more.
// A2  "changed": others would see what it did: another global, another method, memory it holds.
// A3  "running": something of it is still to happen, and may fail: a timer, a connection, a server.

import { createHook } from "node:async_hooks";
import fs from "node:fs";
import module from "node:module";
import net from "node:net";
import { getHeapStatistics } from "node:v8";

export type Aftermath = "clean" | "changed" | "running";

/** What only one bundle may use of the heap before another is looked at elsewhere, and of memory beside it. */
const MOST_OF_HEAP = 0.25;
const MOST_GROWTH_BYTES = 96 * 1024 ** 2;
/** What is about to end by itself gets this many turns of the event loop. */
const TURNS = 4;
/** Listeners that change how others end. */
const LISTENERS = ["uncaughtException", "unhandledRejection", "exit", "beforeExit"];
/** Built in, used by everybody, and extended by some. */
const EXTENDED =
  "Object Function Array String Number Promise Error Date RegExp Map Set Symbol JSON Math Reflect Buffer";

const { ownKeys, getOwnPropertyDescriptor } = Reflect;
/** As it is before anybody watches who asks (asked-for.ts). */
const { resourceUsage } = process;

export class ProcessWatch {
  private readonly env = { ...process.env };
  private readonly watched = watchedObjects();
  private readonly mostBefore = mostResidentBytes();
  private readonly globals = globalNames();
  private shapes: readonly Shape[] = [];
  private listeners = "";
  private resources: Map<string, number> = new Map();
  private timers: Timer[] = [];
  /** Node does not count timers that keep no process alive. */
  private readonly timerHook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === "Timeout") this.timers.push(resource as Timer);
    },
  });

  constructor() {
    // Node opens them when somebody prints first.
    void process.stdout;
    void process.stderr;
  }

  /** Before a bundle: the environment is as it was at first, and how the rest is now is noted. */
  begin(): void {
    for (const name of Object.keys(process.env)) if (!(name in this.env)) delete process.env[name];
    Object.assign(process.env, this.env);
    if (this.shapes.length === 0) this.shapes = this.watched.map(shapeOf);
    this.listeners = listenerCounts();
    this.resources = resourceCounts();
    this.timers = [];
    this.timerHook.enable();
  }

  /** After it. */
  async end(): Promise<Aftermath> {
    for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
    this.timerHook.disable();
    if (this.timers.some((timer) => timer._destroyed !== true) || this.hasMoreResources()) return "running";
    return this.isChanged() ? "changed" : "clean";
  }

  private hasMoreResources(): boolean {
    return [...resourceCounts()].some(([kind, count]) => count > (this.resources.get(kind) ?? 0));
  }

  private isChanged(): boolean {
    if (listenerCounts() !== this.listeners) return true;
    const { used_heap_size, heap_size_limit } = getHeapStatistics();
    if (used_heap_size > heap_size_limit * MOST_OF_HEAP) return true;
    if (mostResidentBytes() - this.mostBefore > MOST_GROWTH_BYTES) return true;
    if (globalNames() !== this.globals) return true;
    try {
      return this.watched.some((object, at) => isOtherThan(this.shapes[at]!, object));
    } catch {
      return true; // A getter of the bundle's own.
    }
  }
}

/** At any time since it began. The system knows that without looking; what it is now takes a file to read. */
function mostResidentBytes(): number {
  return resourceUsage().maxRSS * 1024;
}

interface Timer {
  /** Node's own mark of one that has fired for the last time, or was cleared. */
  readonly _destroyed?: boolean;
}

interface Shape {
  /** Of its own properties. */
  readonly keys: readonly PropertyKey[];
  /** In the same order. */
  readonly values: readonly unknown[];
}

/** Stands for what a property with a getter gives: some of them make Node load what is behind. */
const GETTER = Symbol("getter");

function shapeOf(object: object): Shape {
  const keys = ownKeys(object);
  return { keys, values: keys.map((key) => contentOf(object, key)) };
}

function contentOf(object: object, key: PropertyKey): unknown {
  const found = getOwnPropertyDescriptor(object, key);
  return found?.get === undefined ? found?.value : GETTER;
}

/** After each bundle: so the properties are read, without a description of each. */
function isOtherThan({ keys, values }: Shape, object: object): boolean {
  if (ownKeys(object).length !== keys.length) return true;
  return keys.some((key, at) => {
    const old = values[at];
    // Node replaces some getters by what they give, once that is asked for.
    return old !== GETTER && !Object.is(old, (object as Record<PropertyKey, unknown>)[key]);
  });
}

/** What all code of a process shares. */
function watchedObjects(): object[] {
  const builtIn = EXTENDED.split(" ").flatMap((name) => {
    const value = (globalThis as unknown as Record<string, object & { prototype?: object }>)[name]!;
    return [value, value.prototype ?? value];
  });
  const shared = [process, console, fs, fs.promises, net, net.Socket.prototype, module];
  return [...new Set([...builtIn, ...shared])];
}

/** Not their values: to ask for some of them makes Node load what is behind. */
function globalNames(): string {
  return Object.getOwnPropertyNames(globalThis).join();
}

function listenerCounts(): string {
  return LISTENERS.map((name) => process.listenerCount(name)).join();
}

function resourceCounts(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
