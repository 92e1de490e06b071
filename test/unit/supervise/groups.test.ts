// Which process the handlers of a group share (U1 to U4), told with processes and a bundler that a test speaks for.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Bundle } from "../../../runtime/bundle/bundle.ts";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import type { HandlerFile } from "../../../runtime/discover/handler-file.ts";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { GroupMember, HandlerWorker, SharedWorkers } from "../../../runtime/isolate/worker-source.ts";
import { Groups } from "../../../runtime/supervise/groups.ts";

/** A process that a test ends, and whose workers it lets come up. */
class FakeShared implements SharedWorkers {
  readonly joined: GroupMember[] = [];
  readonly memoryMiB: number;
  isOpen = true;
  private readonly ending = Promise.withResolvers<void>();
  readonly exited = this.ending.promise;

  constructor(memoryMiB: number) {
    this.memoryMiB = memoryMiB;
  }

  get names(): string[] {
    return this.joined.map(({ member }) => member);
  }

  join(member: GroupMember): HandlerWorker {
    this.joined.push(member);
    return { exited: this.exited } as unknown as HandlerWorker;
  }

  serves(name: string): void {
    this.joined.find(({ member }) => member === name)?.onServing();
  }

  async end(): Promise<void> {
    this.isOpen = false;
    this.ending.resolve();
    await new Promise(setImmediate);
  }
}

let dir: string;
let files: Map<string, HandlerFile>;
/** Of each handler's file as it is now; absent: it does not build. */
let versions: Map<string, string>;
let processes: FakeShared[];
let programs: string[][];
let retired: string[];
let moved: string[];
let notices: string[];
let groups: Groups;

const bundleOf = (handler: string, version: string): Bundle => {
  return {
    handler,
    version,
    path: `/built/${handler}.${version}.mjs`,
    preload: [],
    companions: [],
    inputs: [],
    sizeBytes: 1,
  };
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "groups-"));
  files = new Map();
  versions = new Map();
  [processes, programs, retired, moved, notices] = [[], [], [], [], []];
  const failed = () =>
    ({ ok: false, error: new RuntimeError("BUNDLE_FAILED", "it does not build"), inputs: [] }) as const;
  groups = new Groups({
    pool: {
      async share(memoryMiB) {
        processes.push(new FakeShared(memoryMiB));
        return processes.at(-1)!;
      },
    },
    bundler: {
      async build({ name }) {
        const version = versions.get(name);
        return version === undefined ? failed() : { ok: true, bundle: bundleOf(name, version), warnings: [] };
      },
      async program(group, members) {
        programs.push(members.map(({ name }) => name));
        return { ok: true, bundle: bundleOf(`@group/${group}`, String(programs.length)), warnings: [] };
      },
      async retire({ handler, version }) {
        retired.push(`${handler} ${version}`);
      },
    },
    defaults: handlerDefaults,
    files: () => files.values(),
    metadataOf: () => undefined,
    moveOver: (handler) => void moved.push(handler),
    emit: (event) => {
      if (event.type === "runtime.notice") notices.push(event.message);
    },
  });
  for (const name of ["one", "two", "three"]) save(name, "v1");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function save(name: string, version: string, options = 'group: "orders"'): void {
  const path = join(dir, `${name}.ts`);
  writeFileSync(path, `export const metadata = { subject: "x", ${options} };`);
  files.set(name, { name, path, displayPath: `handlers/${name}.ts` });
  versions.set(name, version);
}

const take = (name: string, version = versions.get(name)!, memoryMiB = 256) =>
  groups.take("orders", { file: files.get(name)!, bundle: bundleOf(name, version), memoryMiB });

const takeAll = (...names: string[]) => Promise.all(names.map((name) => take(name)));

it("all that ask get the one process, and a program of all that are in the group", async () => {
  save("apart", "v1", 'group: "bills"');
  save("alone", "v1", "memory: '64MB'");
  await takeAll("two", "one", "three");
  expect(processes.map(({ names }) => names)).toEqual([["two", "one", "three"]]);
  expect(programs).toEqual([["one", "two", "three"]]);
  expect(processes[0]!.joined.every(({ url }) => url === "file:///built/@group/orders.1.mjs")).toBe(true);
  for (const name of ["one", "two"]) processes[0]!.serves(name);
  expect([groups.sharing("one"), groups.sharing("three")]).toEqual([["one", "two"], []]);
});

it("the process has the largest memory that one of them asks for, and one that asks for more gets another (U1)", async () => {
  save("two", "v1", 'group: "orders", memory: "512MB"');
  await take("one");
  await take("two", "v1", 512);
  expect(processes.map(({ memoryMiB, names }) => [memoryMiB, names])).toEqual([[512, ["one", "two"]]]);
  await take("three", "v1", 1_024);
  expect(processes.map(({ memoryMiB }) => memoryMiB)).toEqual([512, 1_024]);
});

it("after a save the others are told to come over once the new version is up, each once (U2)", async () => {
  await takeAll("one", "two", "three");
  for (const name of ["one", "two", "three"]) processes[0]!.serves(name);
  expect(moved).toEqual([]);
  save("one", "v2");
  await take("one");
  expect([processes.length, moved]).toEqual([2, []]);
  processes[1]!.serves("one");
  expect(moved).toEqual(["two", "three"]);
  await take("two");
  processes[1]!.serves("two");
  expect(moved).toEqual(["two", "three"]);
  expect(processes[1]!.names).toEqual(["one", "two"]);
});

it("who was loaded in a process does not come back to it, and takes the others along to a new one (U1)", async () => {
  await takeAll("one", "two");
  for (const name of ["one", "two"]) processes[0]!.serves(name);
  await take("one");
  processes[1]!.serves("one");
  expect([programs.length, processes.map(({ names }) => names), moved]).toEqual([
    1,
    [["one", "two"], ["one"]],
    ["two"],
  ]);
});

it("after its process has ended the group has another, of the same program (U4)", async () => {
  await takeAll("one", "two");
  await processes[0]!.end();
  await takeAll("two", "one");
  expect([programs.length, processes[1]!.names, retired.filter((one) => one.startsWith("@"))]).toEqual([
    1,
    ["two", "one"],
    [],
  ]);
});

it("a version that the program does not have runs apart, and that is told (U3)", async () => {
  await takeAll("one", "two");
  expect(await take("one", "v0")).toBeUndefined();
  expect(notices).toEqual([
    'handler "one" runs in a process of its own instead of that of its group "orders": the group\'s program does not have this version',
  ]);
  expect([processes.length, retired.filter((one) => one.startsWith("@"))]).toEqual([1, ["@group/orders 2"]]);
});

it("one that does not build is left out, and holds up nobody (U3)", async () => {
  versions.delete("two");
  await takeAll("one", "three");
  expect([programs, processes[0]!.names]).toEqual([[["one", "three"]], ["one", "three"]]);
});

it("the files of a program go when no process runs it and none will", async () => {
  await takeAll("one", "two");
  save("one", "v2");
  await take("one");
  const programsRetired = () => retired.filter((one) => one.startsWith("@"));
  expect(programsRetired()).toEqual([]);
  await processes[0]!.end();
  expect(programsRetired()).toEqual(["@group/orders 1"]);
});
