// The packages of peers/, which the product does not carry: they are fetched when a scenario needs them.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("./peers/", import.meta.url);

/** A file of the peers' packages. */
export function peerFile(path: string): string {
  return fileURLToPath(new URL(`node_modules/${path}`, FOLDER));
}

/** The version that is installed; `folder`: of the peer that has packages of its own, with a slash at the end. */
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
