// This project as a contender: `handlers start` or `handlers dev`, each replica in a folder of its own.

import { readFileSync } from "node:fs";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { childProcesses } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";
import type { Contender, Deployment, HandlerSpec, Home } from "./contender.ts";
import { STREAM } from "./names.ts";

const WORK = readFileSync(new URL("./work.mjs", import.meta.url), "utf8");

export const ours: Contender = {
  name: "nats-handlers",
  keepsLetters: true,
  mustServe: true,
  makesStreams: false,
  streamsOf: () => STREAM,
  published: (_app, subject) => subject,
  home: () => new OurHome(),
};

export class OurHome implements Home {
  readonly ready = /"event":"runtime\.ready"|ready in \d+ ms/;
  readonly project: TestProject = createProject({ "_work.mjs": WORK });
  private deployment: Deployment | undefined;

  put(deployment: Deployment): void {
    const gone = this.deployment?.handlers.filter(({ name }) => !deployment.handlers.some((now) => now.name === name));
    for (const { name } of gone ?? []) this.project.remove(fileOf(name));
    for (const handler of deployment.handlers)
      this.project.replace(fileOf(handler.name), sourceOf(handler, deployment));
    this.deployment = deployment;
  }

  start(): CliProcess {
    const { mode } = this.deployed();
    return startCli([mode], { cwd: this.project.rootDir, env: this.environment() });
  }

  /** A command as an operator types it. Resolves with what it prints. */
  async command(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCli(args, { cwd: this.project.rootDir, env: this.environment() });
    if (code !== 0) throw new Error(`\`handlers ${args.join(" ")}\` ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  workerOf({ pid }: CliProcess): number | undefined {
    return [...childProcesses()].find((found) => {
      const info = lookUpProcess(found);
      if (info === undefined || !/^handlers: (?!fork server)/.test(info.command)) return false;
      // Started by the supervisor, or by the process that it has for that.
      return [info.parentPid, lookUpProcess(info.parentPid)?.parentPid].includes(pid);
    });
  }

  end(): void {
    this.project.end();
  }

  private environment(): Record<string, string> {
    const { url, app, env } = this.deployed();
    return { NATS_URL: url, HANDLERS_APP: app, ...env };
  }

  private deployed(): Deployment {
    if (this.deployment === undefined) throw new Error("nothing is deployed here yet");
    return this.deployment;
  }
}

export const fileOf = (name: string) => `${name}.js`;

/** The handler's file. */
export function sourceOf(handler: HandlerSpec, { ledger }: Pick<Deployment, "ledger">): string {
  const { subject, kind = "durable", attempts, backoffMs, metadata = "", forward, by, version } = handler;
  const retry = kind === "durable" ? `retry: { attempts: ${attempts}, backoff: "${backoffMs}ms" },` : "";
  const run = `ledger: ${JSON.stringify(ledger)}, by: "${by}", version: "${version}"`;
  const forwarding = forward === undefined ? "" : `, forward: (id) => ctx.publish("${forward}", { id })`;
  return `import { work } from "./_work.mjs";
export const metadata = {
  subject: "${subject}", kind: "${kind}", concurrency: 16, ${retry}
  ${metadata}
};
export default (message, ctx) =>
  work(message, { ${run}, attempt: ctx.attempt, attempts: ctx.attempts${forwarding} });
`;
}
