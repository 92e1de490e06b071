// The replicas of an app, each started again whenever it ends, as an orchestrator would.

import { delay, systemClock, within } from "../../runtime/clock.ts";
import type { CliProcess } from "../support/cli-process.ts";
import { freeze } from "../support/processes.ts";
import type { Contender, Deployment, Home } from "./contender.ts";

/** Far above what it takes to give up on a server that does not answer, and to start again. */
const READY_MS = 40_000;
const LOOK_MS = 20;
/** In a row, without having served in between. */
const MOST_ENDS = 10;

export class Replica {
  readonly home: Home;
  private readonly mustServe: boolean;
  private process: CliProcess | undefined;
  private wanted = false;

  constructor({ mustServe, home }: Contender) {
    this.mustServe = mustServe;
    this.home = home();
  }

  start(): void {
    this.wanted = true;
    const started = this.home.start();
    this.process = started;
    void started.ended.then(() => {
      if (this.wanted && this.process === started) this.start();
    });
  }

  /** Resolves when the process that runs now, or one after it, serves; or with one that need not, when it ends again and again. */
  async ready(): Promise<void> {
    for (let ends = 0; this.mustServe || ends < MOST_ENDS; ends++) {
      const { process } = this;
      const serves = process?.printed(this.home.ready).then(
        () => true,
        () => false,
      );
      const first = await within(systemClock, READY_MS, serves ?? Promise.resolve(false));
      if (first === "expired") throw new Error(`a replica neither serves nor ends:\n${this.text()}`);
      if (first) return;
      await delay(systemClock, LOOK_MS);
    }
  }

  /** `kill -9`. What starts it again does so at once. */
  async kill(): Promise<void> {
    this.process?.child.kill("SIGKILL");
    await this.process?.ended;
  }

  /** Of the programs that run its handlers, one, as soon as there is one. */
  async killWorker(): Promise<void> {
    for (;;) {
      const pid = this.process && this.home.workerOf(this.process);
      if (pid !== undefined) return void process.kill(pid, "SIGKILL");
      await delay(systemClock, LOOK_MS);
    }
  }

  /** Have it stand still; `goOn` ends that. */
  async freeze(): Promise<void> {
    if (this.process !== undefined) await freeze(this.process.pid);
  }

  goOn(): void {
    this.process?.child.kill("SIGCONT");
  }

  /** SIGTERM. Resolves with the exit code when it has ended; it is not started again. */
  async stop(): Promise<number | null> {
    this.wanted = false;
    this.process?.child.kill("SIGTERM");
    return (await this.process?.ended)?.code ?? null;
  }

  text(): string {
    return this.process?.text() ?? "";
  }
}

/** What each replica has in its environment beside that of the deployment. */
type EnvironmentOf = (at: number) => Readonly<Record<string, string>>;

export class Fleet {
  readonly replicas: readonly Replica[];
  private deployment: Deployment;

  private readonly envOf: EnvironmentOf;

  constructor(contender: Contender, deployment: Deployment, count: number, envOf: EnvironmentOf = () => ({})) {
    this.deployment = deployment;
    this.envOf = envOf;
    this.replicas = Array.from({ length: count }, () => new Replica(contender));
    this.put();
  }

  get deployed(): Deployment {
    return this.deployment;
  }

  at(index: number): Replica {
    return this.replicas[index]!;
  }

  /** Resolves when all serve. */
  async start(): Promise<void> {
    for (const replica of this.replicas) replica.start();
    await this.ready();
  }

  async ready(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.ready()));
  }

  /** Other files, saved under the running processes. */
  save(change: Partial<Deployment>): void {
    this.deployment = { ...this.deployment, ...change };
    this.put();
  }

  /** Another version: one replica after the other ends by SIGTERM and comes up again. */
  async roll(change: Partial<Deployment> = {}): Promise<void> {
    this.deployment = { ...this.deployment, ...change };
    for (const [at, replica] of this.replicas.entries()) {
      await replica.stop();
      this.putAt(at);
      replica.start();
      await replica.ready();
    }
  }

  /** Resolves with the exit codes when all have ended and their folders are gone. */
  async close(): Promise<(number | null)[]> {
    const codes = await Promise.all(this.replicas.map((replica) => replica.stop()));
    for (const { home } of this.replicas) home.end();
    return codes;
  }

  private put(): void {
    for (const at of this.replicas.keys()) this.putAt(at);
  }

  private putAt(at: number): void {
    const { env } = this.deployment;
    this.at(at).home.put({ ...this.deployment, env: { ...env, ...this.envOf(at) } });
  }

  text(): string {
    return this.replicas.map((replica) => replica.text().slice(-3_000)).join("\n--- the next replica\n");
  }
}
