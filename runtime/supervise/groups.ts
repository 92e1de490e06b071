// Which process the handlers of a group share.
//
// U1  A handler is loaded once in a process: its modules cannot be unloaded. A save of one, a restart and a handler that is turned on
//     again make a new process for the group, beside the one before.
// U2  Once the first has come up in it, the others are told to come up there too, each as after a save that changed nothing. One
//     that does not stays where it is: the process before lives as long as somebody is in it.
// U3  What runs is a program of all handlers of the group that build (bundle/group-program.ts). A version that it does not have runs
//     in a process of its own: one that is rolled back, or one that serves while its file has been broken by a save.
// U4  A program serves for the next process too, as long as it has the version that asks.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import { Neighbours } from "../deliver/neighbours.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { Emit } from "../events.ts";
import type { HandlerWorker, SharedWorkers, WorkerSource } from "../isolate/worker-source.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { guessLaunchNeeds } from "./launch-needs.ts";

export interface GroupsOptions {
  readonly pool: Pick<WorkerSource, "share">;
  /** Builds what the files are now, also of handlers that are rolled back. */
  readonly bundler: Pick<Bundler, "build" | "program" | "retire">;
  readonly defaults: HandlerDefaults;
  /** All handlers that there are. */
  readonly files: () => Iterable<HandlerFile>;
  /** What a version of the handler has said last. */
  readonly metadataOf: (handler: string) => ResolvedMetadata | undefined;
  /** Have the handler come up again, in the process that its group has now. */
  readonly moveOver: (handler: string) => void;
  readonly emit: Emit;
}

/** Whoever wants a worker in its group's process. */
export interface Applicant {
  readonly file: HandlerFile;
  readonly bundle: Bundle;
  readonly memoryMiB: number;
}

interface Program {
  readonly bundle: Bundle;
  /** By handler. */
  readonly versions: ReadonlyMap<string, string>;
  /** The largest that a handler of it asks for. */
  readonly memoryMiB: number;
}

/** A process of a group, and who is in it. */
interface Home {
  readonly program: Program;
  readonly process: SharedWorkers;
  readonly memoryMiB: number;
  /** U1. */
  readonly loaded: Set<string>;
  readonly serving: Set<string>;
  /** Have been told to come here. */
  readonly told: Set<string>;
}

interface Group {
  readonly name: string;
  readonly neighbours: Neighbours;
  /** Of the newest process. */
  program: Program | undefined;
  /** The newest is the last. */
  readonly homes: Set<Home>;
  /** One after another: who asks while a process is being made gets that one. */
  turn: Promise<unknown>;
}

export class Groups {
  private readonly options: GroupsOptions;
  private readonly groups = new Map<string, Group>();

  constructor(options: GroupsOptions) {
    this.options = options;
  }

  /** A worker in a process of the group. Undefined where the version is to have a process of its own (U3). */
  take(name: string, applicant: Applicant): Promise<HandlerWorker | undefined> {
    const group = this.groupOf(name);
    const taken = group.turn.then(() => this.takeNow(group, applicant));
    group.turn = taken.catch(() => undefined); // Told to who asked.
    return taken;
  }

  /** With whom the handler shares its process now; itself included. */
  sharing(handler: string): readonly string[] {
    for (const { homes } of this.groups.values())
      for (const { serving } of homes) if (serving.has(handler)) return [...serving].sort();
    return [];
  }

  /** Their dispatchers. */
  neighboursIn(group: string): Neighbours {
    return this.groupOf(group).neighbours;
  }

  private groupOf(name: string): Group {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const neighbours = new Neighbours();
    const group: Group = { name, neighbours, program: undefined, homes: new Set(), turn: Promise.resolve() };
    this.groups.set(name, group);
    return group;
  }

  private async takeNow(group: Group, applicant: Applicant): Promise<HandlerWorker | undefined> {
    const home = [...group.homes].at(-1);
    const found = home !== undefined && hasRoom(home, applicant) ? home : await this.newHome(group, applicant);
    if (found === undefined) return undefined;
    const { name } = applicant.file;
    found.loaded.add(name);
    const worker = found.process.join({
      url: pathToFileURL(found.program.bundle.path).href,
      member: name,
      onServing: () => this.cameUp(group, found, name),
    });
    void worker.exited.then(() => found.serving.delete(name));
    return worker;
  }

  private async newHome(group: Group, applicant: Applicant): Promise<Home | undefined> {
    const program = await this.programFor(group, applicant);
    if (program === undefined) return undefined;
    const memoryMiB = Math.max(program.memoryMiB, applicant.memoryMiB);
    const process = await this.options.pool.share(memoryMiB);
    const home = { program, process, memoryMiB, loaded: new Set(""), serving: new Set(""), told: new Set("") };
    group.homes.add(home);
    void process.exited.then(() => {
      group.homes.delete(home);
      this.release(group, program);
    });
    return home;
  }

  /** U2. */
  private cameUp(group: Group, home: Home, handler: string): void {
    home.serving.add(handler);
    if ([...group.homes].at(-1) !== home) return;
    const elsewhere = [...group.homes].filter((other) => other !== home).flatMap(({ serving }) => [...serving]);
    for (const other of elsewhere) {
      if (home.loaded.has(other) || home.told.has(other)) continue;
      home.told.add(other);
      this.options.moveOver(other);
    }
  }

  /** U3, U4. */
  private async programFor(group: Group, applicant: Applicant): Promise<Program | undefined> {
    const { program: before } = group;
    if (before !== undefined && hasVersion(before, applicant)) return before;
    const program = await this.build(group, applicant);
    if (program === undefined) return undefined;
    if (!hasVersion(program, applicant)) {
      await this.options.bundler.retire(program.bundle);
      this.tellApart(group, applicant, "the group's program does not have this version");
      return undefined;
    }
    group.program = program;
    if (before !== undefined) this.release(group, before);
    return program;
  }

  private async build(group: Group, applicant: Applicant): Promise<Program | undefined> {
    const { bundler } = this.options;
    const members = await this.membersOf(group, applicant);
    const built = await Promise.all(members.map(async ({ file }) => [file, await bundler.build(file)] as const));
    const versions = new Map<string, string>();
    for (const [{ name }, result] of built) {
      if (!result.ok) continue; // Its own slot tells what is wrong.
      versions.set(name, result.bundle.version);
      await bundler.retire(result.bundle);
    }
    const program = await bundler.program(
      group.name,
      built.flatMap(([file, { ok }]) => (ok ? [file] : [])),
    );
    if (!program.ok) return this.tellApart(group, applicant, program.error.message);
    return { bundle: program.bundle, versions, memoryMiB: Math.max(...members.map(({ memoryMiB }) => memoryMiB)) };
  }

  /** Who says so in its source, or has said so when it was loaded last. */
  private async membersOf(group: Group, { file, memoryMiB }: Applicant) {
    const { files, defaults, metadataOf } = this.options;
    const all = await Promise.all(
      [...files()].map(async (one) => {
        if (one.name === file.name) return [{ file, memoryMiB }];
        const known = metadataOf(one.name);
        const guess = guessLaunchNeeds(await readFile(one.path, "utf8").catch(() => ""), defaults);
        if ((guess.group ?? known?.group) !== group.name) return [];
        return [{ file: one, memoryMiB: known?.memoryMiB ?? guess.memoryMiB }];
      }),
    );
    return all.flat();
  }

  private tellApart({ name }: Group, { file }: Applicant, why: string): undefined {
    const message = `handler "${file.name}" runs in a process of its own instead of that of its group "${name}": ${why}`;
    this.options.emit({ type: "runtime.notice", level: "warn", message });
  }

  /** Its files go when no process runs it, and none will. */
  private release(group: Group, program: Program): void {
    if (group.program === program || [...group.homes].some((home) => home.program === program)) return;
    void this.options.bundler.retire(program.bundle);
  }
}

/** U1. */
function hasRoom({ process, program, loaded, memoryMiB }: Home, applicant: Applicant): boolean {
  const fits = hasVersion(program, applicant) && applicant.memoryMiB <= memoryMiB;
  return fits && process.isOpen && !loaded.has(applicant.file.name);
}

function hasVersion({ versions }: Program, { file, bundle }: Applicant): boolean {
  return versions.get(file.name) === bundle.version;
}
