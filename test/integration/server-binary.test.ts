// @module-tag any-server

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../runtime/clock.ts";
import { type Releases, releasePlatform } from "../../runtime/dev-server/official-releases.ts";
import { type FindServerOptions, findServerBinary } from "../../runtime/dev-server/server-binary.ts";
import { runCli } from "../support/cli-process.ts";

const PLATFORM = releasePlatform() ?? "";
/** Nobody listens there. */
const UNREACHABLE = "http://127.0.0.1:2";

let folder: string;
let lines: string[];
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nats-handlers-binary-"));
  lines = [];
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await rm(folder, { recursive: true, force: true });
});

/** With an empty PATH and a cache of its own. */
function find(options: Partial<FindServerOptions> = {}) {
  return findServerBinary({
    clock,
    onProgress: (line) => lines.push(line),
    env: { PATH: "", HANDLERS_CACHE_DIR: join(folder, "cache") },
    systemFolders: [],
    releases: unreachable("2.15.0"),
    ...options,
  });
}

async function refusal(promise: Promise<unknown>): Promise<Error & { code: string; remedy: string }> {
  return promise.then(
    () => expect.fail("it was found"),
    (error: unknown) => error as Error & { code: string; remedy: string },
  );
}

describe("a named or installed nats-server", () => {
  it("named by HANDLERS_NATS_SERVER is used, and must be usable", async () => {
    const path = await serverAt("named", "2.9.4");
    expect(await find({ env: { HANDLERS_NATS_SERVER: path } })).toEqual({ path, version: "2.9.4" });
    expect(lines).toEqual([]);
    const error = await refusal(find({ env: { HANDLERS_NATS_SERVER: "/no/such" } }));
    expect(error.code).toBe("NATS_SERVER_UNAVAILABLE");
  });

  it("on PATH is used when it is new enough, and passed over when it is not", async () => {
    const env = { PATH: folder, HANDLERS_CACHE_DIR: join(folder, "cache") };
    const releases = await serveRelease("2.15.0");
    await serverAt(".", "2.1.9");
    expect((await find({ env, releases })).version).toBe("2.15.0");
    await serverAt(".", "2.9.4");
    expect((await find({ env, releases })).version).toBe("2.9.4");
  });

  it("that its makers no longer mend is used, and told in one line", async () => {
    const path = await serverAt(".", "2.10.27");
    await find({ env: { PATH: folder } });
    expect(lines).toEqual([
      `nats-server 2.10.27 is used (nats-server on PATH, ${path}): its makers mend 2.14.0 and newer only`,
    ]);
  });
});

describe("the official release", () => {
  it("is downloaded once, by two processes at once too, and is found in the cache afterwards", async () => {
    const releases = await serveRelease("2.15.0");
    const [one, other] = await Promise.all([find({ releases }), find({ releases })]);
    expect(one).toEqual({ path: join(folder, "cache/nats-server/v2.15.0/nats-server"), version: "2.15.0" });
    expect(other).toEqual(one);
    expect(lines).toContain(
      `getting nats-server v2.15.0 from ${releases.baseUrl} into ${join(folder, "cache/nats-server")}`,
    );
    lines.length = 0;
    expect(await find({ releases })).toEqual(one);
    expect(lines).toEqual([]);
    expect(await readdir(join(folder, "cache/nats-server"))).toEqual(["v2.15.0"]);
  });

  it("in the cache that does not run any more is fetched anew", async () => {
    const releases = await serveRelease("2.15.0");
    const { path } = await find({ releases });
    await writeFile(path, "cut short");
    await find({ releases });
    expect(await readFile(path, "utf8")).toContain("v2.15.0");
  });

  it("with another checksum than the pinned one is not used; the error tells all that was tried, and what to do", async () => {
    const error = await refusal(find({ releases: await serveRelease("2.15.0", { tampered: true }) }));
    expect(error.code).toBe("NATS_SERVER_UNAVAILABLE");
    expect(error.message).toContain("is pinned");
    for (const tried of ["on PATH", "fetched before", "official release", "Debian or Ubuntu package"]) {
      expect(error.message).toContain(tried);
    }
    expect(error.message).not.toContain("network");
    expect(error.remedy).toMatch(/brew install.*apt install.*NATS_URL.*HANDLERS_CACHE_DIR/);
    expect(await binariesBelow(join(folder, "cache"))).toEqual([]);
  });

  it("for a Mac is found by its own name and checksum", async () => {
    const releases = await serveRelease("2.15.0", { platform: "darwin-arm64" });
    expect((await find({ releases, platform: "darwin-arm64" })).version).toBe("2.15.0");
  });
});

describe("an older server in the cache", () => {
  it("makes way for the pinned release", async () => {
    await serverAt("cache/nats-server/v2.10.29", "2.10.29");
    const { version } = await find({ releases: await serveRelease("2.15.0") });
    expect(version).toBe("2.15.0");
  });

  it("is the fallback when the release cannot be had, and is told to be out of support", async () => {
    const path = await serverAt("cache/nats-server/v2.10.29", "2.10.29");
    expect(await find()).toEqual({ path, version: "2.10.29" });
    expect(lines).toEqual([
      `getting nats-server v2.15.0 from ${UNREACHABLE} into ${join(folder, "cache/nats-server")}`,
      expect.stringMatching(/^official release v2\.15\.0: 127\.0\.0\.1:2 cannot be reached: /),
      `nats-server 2.10.29 is used (older binary fetched before, ${path}): its makers mend 2.14.0 and newer only`,
    ]);
  });

  it("is taken without asking the network again for an hour, and then with asking", async () => {
    await serverAt("cache/nats-server/v2.10.29", "2.10.29");
    const releases = await serveRelease("2.15.0", { failing: true });
    await find({ releases });
    expect(releases.asked()).toBe(1);
    await find({ releases });
    expect(releases.asked()).toBe(1);
    const later = { ...clock, nowMs: () => clock.nowMs() + 3_600_000 };
    await find({ releases, clock: later });
    expect(releases.asked()).toBe(2);
  });

  it("does not keep a newer one from being used that was fetched otherwise", async () => {
    await serverAt("cache/nats-server/v2.10.29", "2.10.29");
    const path = await serverAt("cache/nats-server/v2.15.1", "2.15.1");
    expect(await find()).toEqual({ path, version: "2.15.1" });
    expect(lines).toEqual([]);
  });
});

describe("without a network", () => {
  it("the network is named as the reason, with the host that does not answer", async () => {
    const error = await refusal(find());
    expect(error.message).toMatch(/^no nats-server to run, and the network to fetch one is not there; tried\n/);
    expect(error.message).toContain("official release v2.15.0: 127.0.0.1:2 cannot be reached: ");
  });

  it.runIf(existsSync("/usr/bin/apt-get"))(
    "the package lists are named as missing, rather than the package",
    async () => {
      const config = join(folder, "apt.conf");
      await mkdir(join(folder, "sources"));
      const source = "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: stable\nComponents: main\nTrusted: yes\n";
      await writeFile(join(folder, "sources", "only.sources"), source);
      await writeFile(
        config,
        `Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "${join(folder, "sources")}";\n`,
      );
      const env = { PATH: "/usr/bin:/bin", HANDLERS_CACHE_DIR: join(folder, "cache"), APT_CONFIG: config };
      const error = await refusal(find({ env }));
      expect(error.message).toMatch(/package: no package list could be fetched: .*'mirror\.invalid'/);
    },
  );
});

describe("where it is kept", () => {
  it("is the system's temporary folder when the user's cache cannot be written", async () => {
    const home = join(folder, "home");
    await writeFile(home, "a file, so that nothing can be made in it");
    const env = { PATH: "", HOME: home, TMPDIR: folder };
    const releases = await serveRelease("2.15.0");
    const { path } = await find({ env, releases });
    const temporary = join(folder, `nats-handlers-${process.getuid?.() ?? "cache"}`);
    expect(path).toBe(join(temporary, "nats-server/v2.15.0/nats-server"));
    lines.length = 0;
    expect((await find({ env, releases })).path).toBe(path);
    expect(lines).toEqual([]);
  });

  it("is not a temporary folder into which somebody else may write: what lies there is run", async () => {
    const home = join(folder, "home");
    await writeFile(home, "");
    const temporary = `nats-handlers-${process.getuid?.() ?? "cache"}`;
    await serverAt(join(temporary, "nats-server/v2.15.0"), "2.15.0");
    await chmod(join(folder, temporary), 0o777);
    const env = { PATH: "", HOME: home, TMPDIR: folder };
    const error = await refusal(find({ env, releases: await serveRelease("2.15.0") }));
    expect(error.message).toContain("others may write to it");
  });

  it("nowhere is told before anything is downloaded", async () => {
    const cache = join(folder, "cache");
    await writeFile(cache, "");
    const releases = await serveRelease("2.15.0");
    const error = await refusal(find({ releases }));
    expect(error.message).toContain(`official release v2.15.0: ${cache} cannot be written (`);
    expect(error.remedy).toContain("HANDLERS_CACHE_DIR");
    expect(releases.asked()).toBe(0);
  });

  it.runIf(process.getuid?.() === 0)("is found by a user without HOME and without a name", async () => {
    const project = join(folder, "project");
    await mkdir(join(project, "handlers"), { recursive: true });
    await chmod(folder, 0o777);
    await chmod(project, 0o777);
    const { code, stderr } = await runCli(["list"], { cwd: project, env: { HOME: undefined }, uid: 54_321 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "no handlers yet; `handlers new hello` writes one\n" });
  });
});

it.runIf(existsSync("/usr/bin/apt-get"))("the system's package serves when nothing else is to be had", async () => {
  // An ordinary user's HOME and an empty cache; nothing is installed.
  const { path, version } = await find({ env: { PATH: "/usr/bin:/bin", HOME: folder } });
  expect(path).toBe(join(folder, `.cache/nats-handlers/nats-server/v${version}/nats-server`));
  expect(await binariesBelow(join(folder, ".cache/nats-handlers"))).toEqual([`v${version}`]);
});

interface Served extends Releases {
  /** How often the archive was asked for. */
  asked(): number;
}

/** A folder of releases on this machine, with a script for a server. */
async function serveRelease(
  version: string,
  how: { tampered?: boolean; failing?: boolean; platform?: string } = {},
): Promise<Served> {
  const { platform = PLATFORM } = how;
  const name = `nats-server-v${version}-${platform}`;
  await serverAt(name, version);
  spawnSync("tar", ["-czf", `${name}.tar.gz`, name], { cwd: folder });
  const archive = await readFile(join(folder, `${name}.tar.gz`));
  const sha256 = createHash("sha256").update(archive).digest("hex");
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    response.statusCode = how.failing || request.url !== `/v${version}/${name}.tar.gz` ? 404 : 200;
    response.end(how.tampered ? Buffer.concat([archive, Buffer.from("more")]) : archive);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  cleanups.push(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, pins: { [platform]: { version, sha256 } }, asked: () => asked };
}

function unreachable(version: string): Releases {
  return { baseUrl: UNREACHABLE, pins: { [PLATFORM]: { version, sha256: "0".repeat(64) } } };
}

/** A script that says its version, in this folder below the test's own. */
async function serverAt(place: string, version: string): Promise<string> {
  const path = join(folder, place, "nats-server");
  await mkdir(join(folder, place), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

/** The versions kept, and what is left of an unfinished one. */
async function binariesBelow(cacheFolder: string): Promise<string[]> {
  const names = await readdir(join(cacheFolder, "nats-server"));
  return names.filter((name) => !name.startsWith(".missed-"));
}
