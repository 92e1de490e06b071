// Who takes the stream: the raw client's `consume`, a handler of ours, and nestjs-jetstream.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { durableNameOf } from "../../../runtime/streams/durable-name.ts";
import { treeCpuNs } from "../measure/process-cpu.ts";
import { NESTJS_JETSTREAM } from "../peers.ts";
import type { RawDurableCommands } from "../processes/raw-durable.ts";
import type { Options } from "../scenario.ts";
import { SCHEMA_SOURCE } from "../work.ts";
import { type DurableContender, type Plan, type Site, STREAM, SUBJECT } from "./rounds.ts";

const PROFILE = new URL("../measure/profile.ts", import.meta.url);
const RAW = new URL("../processes/raw-durable.ts", import.meta.url);

export function rawContender(plan: Plan, options: Options, site: Site): Promise<DurableContender> {
  return programContender({ name: "raw", label: "raw client", url: RAW }, plan, options, site);
}

/** With a second process that handles, and nothing else between. */
export function hopContender(plan: Plan, options: Options, site: Site): Promise<DurableContender> {
  return programContender(
    { name: "hop", label: "raw client, two processes", url: RAW, hop: true },
    plan,
    options,
    site,
  );
}

/** It stores and takes its own copy of the messages: which stream it takes is not for its user to say. */
export function nestjsContender(plan: Plan, options: Options, site: Site): Promise<DurableContender> {
  return programContender({ name: "nestjs", ...NESTJS_JETSTREAM }, plan, options, site);
}

interface DurableProgram {
  readonly name: string;
  readonly label: string;
  readonly url: URL;
  readonly hop?: boolean;
}

async function programContender(
  { name, label, url, hop }: DurableProgram,
  { atOnce, step, messages }: Plan,
  { profile }: Options,
  { lab }: Site,
): Promise<DurableContender> {
  const child = lab.child<RawDurableCommands>(url);
  const progress = `bench.progress.${name}`;
  const stored = { stream: STREAM, subject: SUBJECT, messages };
  await child.call("start", { natsUrl: lab.server.url, ...stored, progress, step, atOnce, hop });
  if (profile !== undefined) await child.call("startProfile", null);
  return {
    label,
    progress,
    again: (round) => child.call("again", `${name}-${round}`),
    cpu: () => treeCpuNs(child.pid),
    failures: () => child.call("failures", null),
    async close() {
      if (profile !== undefined) await child.call("stopProfile", join(profile, `durable-${atOnce}.${name}.cpuprofile`));
      await child.call("close", null);
      await child.end();
    },
  };
}

export function ourContender(plan: Plan, options: Options, site: Site): Promise<DurableContender> {
  const source = (progress: string, profile: string | undefined) => handlerSource(plan, progress, profile);
  return handlerContender({ name: "ours", label: "nats-handlers", source }, plan, options, site);
}

/** `folder`: a clone of an earlier version. */
export function earlierContender(folder: string, plan: Plan, options: Options, site: Site): Promise<DurableContender> {
  const version = pathToFileURL(`${folder.replace(/\/$/, "")}/`);
  const source = (progress: string) => handlerSource(plan, progress, undefined);
  return handlerContender({ name: "before", label: "the version of before", source, version }, plan, options, site);
}

/** Each message is a row in SQLite: one at a time, or so many in a transaction. */
export function sqliteContender(size: number | undefined, plan: Plan, options: Options, site: Site) {
  const name = size === undefined ? "single" : `batch-${size}`;
  const label = size === undefined ? "one message at a time" : `batches of ${size}`;
  const source = (progress: string) => sqliteSource(size, plan, progress);
  return handlerContender({ name, label, source }, plan, options, site);
}

export interface BenchedHandler {
  readonly name: string;
  readonly label: string;
  readonly source: (progress: string, profile: string | undefined) => string;
  /** Folder of an earlier version that is to run it. */
  readonly version?: URL;
}

/** The durable is removed between rounds: the runtime makes it anew. */
export async function handlerContender(
  { name, label, source, version }: BenchedHandler,
  plan: Plan,
  { profile }: Options,
  { lab, manager }: Site,
): Promise<DurableContender> {
  const progress = `bench.progress.${name}`;
  const file = (part: string) => profile && join(profile, `durable-${plan.atOnce}.${part}.cpuprofile`);
  const project = lab.project();
  project.write(name, source(progress, file("worker")));
  const child = lab.runtime(version);
  const supervisorProfile = file("supervisor");
  return {
    label,
    progress,
    async again(round) {
      // An old server removes it and still says that it failed, when one of its files was just being written. Had it
      // truly failed, the round stalls and says so.
      if (round > 0)
        return void (await manager.consumers
          .delete(STREAM, durableNameOf("bench", name, SUBJECT))
          .catch(() => undefined));
      await child.call("start", lab.startOptions(project, "start"));
      if (supervisorProfile !== undefined) await child.call("startProfile", null);
    },
    cpu: () => treeCpuNs(child.pid),
    failures: () => child.call("failures", null),
    async close() {
      if (supervisorProfile !== undefined) await child.call("stopProfile", supervisorProfile);
      await child.call("close", null);
      await child.end();
      project.remove();
    },
  };
}

/** The same work with one option more; each round is another app, so that nothing is there yet of what it keeps. */
export async function optionContender(
  { name, label, option }: { readonly name: string; readonly label: string; readonly option: string },
  { step }: Plan,
  { lab }: Site,
): Promise<DurableContender> {
  const progress = `bench.progress.${name}`;
  const project = lab.project();
  project.write(name, optionSource(option, step, progress));
  const child = lab.runtime();
  return {
    label,
    progress,
    async again(round) {
      await child.call("close", null);
      // Streams of the options' own are made by `dev`.
      await child.call("start", { ...lab.startOptions(project, "dev"), app: `bench-${name}-${round}` });
    },
    cpu: () => treeCpuNs(child.pid),
    failures: () => child.call("failures", null),
    async close() {
      await child.call("close", null);
      await child.end();
      project.remove();
    },
  };
}

/** Of a batch, what is handled is counted by its messages. */
function optionSource(option: string, step: number, progress: string): string {
  return `import { z } from "zod";
export const metadata = { kind: "durable", subject: "${SUBJECT}.*", schema: ${SCHEMA_SOURCE}, ${option} };
let handled = 0;
let told = 0;
export default (event, ctx) => {
  handled += Array.isArray(event) ? event.length : 1;
  if (Math.floor(handled / ${step}) > told) { told++; return (ctx.messages?.[0] ?? ctx).publish("${progress}", ""); }
};
`;
}

function handlerSource({ atOnce, step }: Plan, progress: string, profileFile: string | undefined): string {
  const profiled = `import { startProfile, stopProfile } from ${JSON.stringify(PROFILE.pathname)};
export const setup = () => startProfile();
export const teardown = () => stopProfile(${JSON.stringify(profileFile)});`;
  return `import { z } from "zod";
${profileFile === undefined ? "" : profiled}
export const metadata = {
  kind: "durable", subject: "${SUBJECT}", concurrency: ${atOnce}, schema: ${SCHEMA_SOURCE},
};
let handled = 0;
export default (event, ctx) => { if (++handled % ${step} === 0) return ctx.publish("${progress}", ""); };
`;
}

function sqliteSource(size: number | undefined, { atOnce, step }: Plan, progress: string): string {
  const how = size === undefined ? `concurrency: ${atOnce}` : `batch: { size: ${size} }`;
  const tell = `if (Math.floor(handled / ${step}) > told) { told++; return message.publish("${progress}", ""); }`;
  const body =
    size === undefined
      ? `(event, message) => { insert.run(event.id, event.item); handled++; ${tell} }`
      : `(events, { messages: [message] }) => {
  database.exec("BEGIN");
  for (const { id, item } of events) insert.run(id, item);
  database.exec("COMMIT");
  handled += events.length;
  ${tell}
}`;
  return `import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
export const metadata = { kind: "durable", subject: "${SUBJECT}", ${how}, schema: ${SCHEMA_SOURCE} };
const database = new DatabaseSync("rows.db");
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS rows (id TEXT, item TEXT)");
const insert = database.prepare("INSERT INTO rows VALUES (?, ?)");
let handled = 0;
let told = 0;
export default ${body};
`;
}
