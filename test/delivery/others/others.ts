// What this project is compared with: a consumer written by hand, and nestjs-jetstream.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CliProcess, startCli } from "../../support/cli-process.ts";
import type { Contender, Deployment, Home } from "../contender.ts";
import { STREAM } from "../names.ts";

export const byHand: Contender = {
  name: "by hand",
  keepsLetters: false,
  mustServe: false,
  makesStreams: false,
  streamsOf: () => STREAM,
  published: (_app, subject) => subject,
  home: () => new ProgramHome("by-hand.mjs"),
};

export const nestjsJetstream: Contender = {
  name: "nestjs-jetstream",
  keepsLetters: false,
  mustServe: false,
  makesStreams: true,
  streamsOf: (app) => `${app}__microservice`,
  published: (app, subject) => `${app}__microservice.ev.${subject}`,
  home: () => new ProgramHome("nestjs-jetstream.mjs"),
};

/** A program that is told everything by its environment, and says `ready`. */
class ProgramHome implements Home {
  readonly ready = /^ready$/m;
  private readonly bin: string;
  private readonly folder = mkdtempSync(join(tmpdir(), "nats-handlers-other-"));
  private deployment: Deployment | undefined;

  constructor(file: string) {
    this.bin = fileURLToPath(new URL(file, import.meta.url));
  }

  put(deployment: Deployment): void {
    this.deployment = deployment;
  }

  start(): CliProcess {
    const { url = "", env = {} } = this.deployment ?? {};
    const environment = { NATS_URL: url, DEPLOYMENT: JSON.stringify(this.deployment), ...env };
    return startCli([], { cwd: this.folder, bin: this.bin, env: environment });
  }

  workerOf({ pid }: CliProcess): number {
    return pid;
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
