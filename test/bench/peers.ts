// The frameworks we are compared with. Each is a small program in peers/, with packages of its own, that takes the
// commands of the raw client's program and does the same work.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { plain, type Wire } from "./processes/wire.ts";

export interface Peer {
  readonly name: string;
  readonly label: string;
  readonly url: URL;
  readonly event: Wire;
  readonly request: Wire;
}

const FOLDER = new URL("./peers/", import.meta.url);

const NESTJS: Peer = {
  name: "nestjs",
  label: "NestJS microservices",
  url: new URL("nestjs.mjs", FOLDER),
  event: plain("bench.nestjs.event"),
  // Without an id it takes a request for an event.
  request: { subject: "bench.nestjs.ask", template: '{"pattern":"bench.nestjs.ask","id":"$ID","data":$DATA}' },
};

const MOLECULER_HEAD = '{"ver":"5","sender":"asker","id":"$ID","meta":{},"level":1,"tracing":false';

const MOLECULER: Peer = {
  name: "moleculer",
  label: "Moleculer",
  url: new URL("moleculer.mjs", FOLDER),
  event: {
    subject: "MOL.EVENT.bench",
    template: `${MOLECULER_HEAD},"event":"bench.event","groups":["bench"],"broadcast":false,"data":$DATA}`,
  },
  request: {
    subject: "MOL.REQ.bench",
    template: `${MOLECULER_HEAD},"action":"bench.ask","params":$DATA}`,
    repliesTo: "MOL.RES.asker",
  },
};

export const PEERS: readonly Peer[] = [NESTJS, MOLECULER];

export const NESTJS_JETSTREAM = {
  label: "nestjs-jetstream",
  url: new URL("nestjs-jetstream/main.mjs", FOLDER),
} as const;

/** A file of the peers' packages. */
export function peerFile(path: string): string {
  return fileURLToPath(new URL(`node_modules/${path}`, FOLDER));
}

/** `NestJS 12.1.1`: the version that is installed. */
export function peerVersion(name: string, folder = ""): string {
  const text = readFileSync(new URL(`${folder}node_modules/${name}/package.json`, FOLDER), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Have the packages that the lock file names. Throws when npm cannot bring them. */
export function installPeers(): void {
  const folder = fileURLToPath(FOLDER);
  const installed = new URL("node_modules/.package-lock.json", FOLDER);
  const lock = new URL("package-lock.json", FOLDER);
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.log(`installing what we are compared with: npm ci --prefix ${folder}\n`);
  const { status, stderr, error } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--prefix", folder], {
    encoding: "utf8",
  });
  if (status === 0) return;
  const why = error?.message ?? stderr.trim().split("\n").slice(-5).join("\n");
  throw new Error(
    `npm did not bring the packages of test/bench/peers:\n${why}\nRun it yourself: npm ci --prefix ${folder}`,
  );
}
