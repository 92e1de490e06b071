// Server, publisher and contenders, each in a process of its own, and the end of them all.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import type { ProfileFile } from "./flame/flames.ts";
import { cpuNs, memoryOf, processTree, treeCpuNs } from "./measure/process-cpu.ts";
import type { OursCommands, OursStart } from "./processes/ours.ts";
import type { PublisherCommands } from "./processes/publisher.ts";
import type { RawCommands } from "./processes/raw.ts";
import { createProject, handlerSource, type Project } from "./project.ts";
import { Child, type Commands } from "./rpc.ts";
import type { Work } from "./work.ts";

/** The two that most scenarios compare. */
export type Pair = "raw" | "ours";

/** CPU time by what a process is for. */
export type CpuNs = Readonly<Record<string, number>>;

export interface Contender<N extends string = Pair> {
  readonly name: N;
  readonly label: string;
  readonly works: readonly Work[];
  /** What it has written once it is closed. */
  readonly profiles: readonly ProfileFile[];
  cpu(): CpuNs;
  failures(): Promise<string[]>;
  close(): Promise<void>;
}

/** Ours, whose memory can be looked at. */
export interface OurContender extends Contender<"ours"> {
  /** Heap and Buffers of the supervisor after a collection. */
  heldMiB(): Promise<number>;
  /** Of all its processes. */
  rssMiB(): number;
}

const OURS = "./processes/ours.ts";
const RAW = new URL("./processes/raw.ts", import.meta.url);

/** A contender that is one program; what it starts counts. */
export interface Program<N extends string> {
  readonly name: N;
  readonly label: string;
  readonly url: URL;
}

export class Lab {
  readonly server: TestServer;
  readonly publisher: Child<PublisherCommands>;
  private readonly profileDir: string | undefined;
  private readonly ends: (() => Promise<void>)[] = [];

  private constructor(server: TestServer, publisher: Child<PublisherCommands>, profileDir: string | undefined) {
    this.server = server;
    this.publisher = publisher;
    this.profileDir = profileDir;
  }

  static async open(profileDir: string | undefined): Promise<Lab> {
    if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true });
    const server = await startTestServer();
    const publisher = new Child<PublisherCommands>(new URL("./processes/publisher.ts", import.meta.url));
    const lab = new Lab(server, publisher, profileDir);
    lab.ends.push(
      () => server.stop(),
      () => publisher.end(),
    );
    await publisher.call("start", server.url);
    return lab;
  }

  /** End everything, the last started first. */
  async close(): Promise<void> {
    for (const end of this.ends.splice(0).reverse()) await end();
  }

  /** The raw client doing these works in one process. */
  raw(scenario: string, works: readonly Work[]): Promise<Contender<"raw">> {
    return this.program(scenario, { name: "raw", label: "raw client", url: RAW }, works);
  }

  /** A program that does these works and takes the commands of the raw client's. */
  async program<N extends string>(
    scenario: string,
    program: Program<N>,
    works: readonly Work[],
  ): Promise<Contender<N>> {
    const { name, label, url } = program;
    const child = this.child<RawCommands>(url);
    await child.call("start", { natsUrl: this.server.url, works });
    const profile = this.profileFile(scenario, name);
    if (profile !== undefined) await child.call("startProfile", null);
    return {
      name,
      label,
      works,
      profiles: profile === undefined ? [] : [{ process: label, file: profile, part: "process" }],
      cpu: () => ({ process: treeCpuNs(child.pid) }),
      failures: () => child.call("failures", null),
      async close() {
        if (profile !== undefined) await child.call("stopProfile", profile);
        await child.call("close", null);
        await child.end();
      },
    };
  }

  /** The runtime, with a handler file for each of these works. */
  async ours(scenario: string, works: readonly Work[], version?: URL): Promise<OurContender> {
    const project = this.project();
    const worker = this.profileFile(scenario, "worker");
    works.forEach((work, at) => {
      project.write(work.name, handlerSource(work, at === 0 ? worker : undefined));
    });
    const child = this.runtime(version);
    await child.call("start", this.startOptions(project, "start"));
    const supervisor = this.profileFile(scenario, "supervisor");
    if (supervisor !== undefined) await child.call("startProfile", null);
    const failures = () => child.call("failures", null);
    const found = await failures();
    if (found.length > 0) throw new Error(`the handlers do not serve: ${found.join("; ")}`);
    return {
      name: "ours",
      label: "nats-handlers",
      works,
      profiles:
        supervisor === undefined || worker === undefined
          ? []
          : [
              { process: "supervisor", file: supervisor, part: "supervisor" },
              { process: "worker", file: worker, part: "workers" },
            ],
      cpu: () => {
        // All it has started: which of them are workers, and whether there are several, is the runtime's affair.
        const [supervisor, ...others] = processTree(child.pid);
        return { supervisor: cpuNs(supervisor!), workers: others.reduce((sum, pid) => sum + cpuNs(pid), 0) };
      },
      failures,
      heldMiB: () => child.call("heldMiB", null),
      rssMiB: () => memoryOf(processTree(child.pid)).rssMiB,
      async close() {
        if (supervisor !== undefined) await child.call("stopProfile", supervisor);
        await child.call("close", null);
        await child.end();
        project.remove();
      },
    };
  }

  /** A runtime process, not started yet: of the version in that folder, else of this one. */
  runtime(version?: URL): Child<OursCommands> {
    const program = version === undefined ? new URL(OURS, import.meta.url) : new URL(`test/bench/${OURS}`, version);
    return this.child(program);
  }

  /** A process that is ended with the lab. */
  child<C extends Commands>(url: URL): Child<C> {
    const child = new Child<C>(url);
    this.ends.push(() => child.end());
    return child;
  }

  /** A folder that is removed with the lab. */
  project(): Project {
    const project = createProject();
    this.ends.push(async () => project.remove());
    return project;
  }

  startOptions(project: Project, mode: OursStart["mode"]): OursStart {
    return { natsUrl: this.server.url, rootDir: project.rootDir, mode };
  }

  serverCpu(): CpuNs {
    return { server: cpuNs(this.server.pid), publisher: cpuNs(this.publisher.pid) };
  }

  /** Where a process writes its CPU profile, when one was asked for. */
  profileFile(scenario: string, part: string): string | undefined {
    return this.profileDir === undefined ? undefined : join(this.profileDir, `${scenario}.${part}.cpuprofile`);
  }
}
