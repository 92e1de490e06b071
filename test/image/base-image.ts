// A stand-in for `node:24-slim`, made of Debian, the Node this project runs on, and the npm of this machine. It also has
// this machine's certificates, as a company's base image would.

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Buildah } from "./buildah.ts";

const run = promisify(execFile);
export const BASE = "docker.io/library/node:24-slim";
const SUITE = "bookworm";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Make it, unless this Node's is there already. `cacheDir` keeps the Debian it is made from. */
export async function prepareBase(buildah: Buildah, cacheDir: string, onProgress: (line: string) => void) {
  const label = `node=${process.version}`;
  if ((await labelOf(buildah)) === label) return;
  const rootfs = join(cacheDir, "rootfs");
  if (!existsSync(join(rootfs, "etc/debian_version"))) {
    onProgress(`unpacking Debian ${SUITE} with debootstrap, once`);
    await bootstrap(rootfs);
  }
  onProgress(`making ${BASE} of it and of Node ${process.version}`);
  const container = await buildah(["from", "scratch"]);
  await buildah(["add", "--quiet", container, rootfs, "/"]);
  const extra = await mkdtemp(join(tmpdir(), "nats-handlers-image-"));
  try {
    await collectNode(extra);
    await buildah(["add", "--quiet", container, extra, "/"]);
    await buildah(["run", container, "sh", "-c", "groupadd --gid 1000 node && useradd --uid 1000 --gid node -m node"]);
    await buildah([
      "config",
      "--label",
      label,
      "--env",
      "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
      container,
    ]);
    await buildah(["commit", "--quiet", "--rm", container, BASE]);
  } finally {
    await rm(extra, { recursive: true, force: true });
  }
}

async function labelOf(buildah: Buildah): Promise<string | undefined> {
  const format = '{{range $name, $value := .OCIv1.Config.Labels}}{{if eq $name "node"}}node={{$value}}{{end}}{{end}}';
  return buildah(["inspect", "--type", "image", "--format", format, BASE]).catch(() => undefined);
}

async function bootstrap(rootfs: string): Promise<void> {
  const unfinished = `${rootfs}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(dirname(rootfs), { recursive: true });
  await run("debootstrap", ["--variant=minbase", SUITE, unfinished, ...mirrors()], { maxBuffer: 64 * 1024 ** 2 });
  await rename(unfinished, rootfs);
}

/** Where this machine gets its packages; none found: debootstrap knows one. */
function mirrors(): string[] {
  for (const path of ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"]) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const [, url] = /^(?:URIs:|deb)\s+(?:\[[^\]]*\]\s+)?(\S+)/m.exec(text) ?? [];
    if (url !== undefined) return [url];
  }
  return [];
}

/** Node, npm and certificates, in a folder as they lie in the image. */
async function collectNode(folder: string): Promise<void> {
  const local = join(folder, "usr/local");
  await mkdir(join(local, "bin"), { recursive: true });
  await mkdir(join(local, "lib/node_modules"), { recursive: true });
  await cp(await realpath(process.execPath), join(local, "bin/node"));
  await cp(await npmFolder(), join(local, "lib/node_modules/npm"), { recursive: true, dereference: true });
  for (const name of ["npm", "npx"])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
  if (!existsSync(CERTIFICATES)) return;
  await mkdir(join(folder, dirname(CERTIFICATES)), { recursive: true });
  await cp(CERTIFICATES, join(folder, CERTIFICATES), { dereference: true });
}

async function npmFolder(): Promise<string> {
  const program = process.env.npm_execpath ?? (await run("which", ["npm"])).stdout.trim();
  // `npm/bin/npm-cli.js`
  return dirname(dirname(await realpath(program)));
}

/** What npm is configured with on this machine, for the build to use as its own: no host stands in the repository. */
export async function writeNpmrc(path: string): Promise<void> {
  const names = ["registry", "strict-ssl", "proxy", "https-proxy", "noproxy"];
  const values = await Promise.all(
    names.map(async (name) => [name, (await run("npm", ["config", "get", name])).stdout.trim()] as const),
  );
  const said = values.filter(([, value]) => !["null", "undefined", ""].includes(value));
  // Those in the base image: they are this machine's.
  if (existsSync(CERTIFICATES)) said.push(["cafile", CERTIFICATES]);
  await writeFile(path, said.map(([name, value]) => `${name}=${value}\n`).join(""), { mode: 0o600 });
}
