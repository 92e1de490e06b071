// nats-servers of several versions, from Debian's archives: its suites keep an old one, a middle one and today's. The system's
// own Debian sources name the mirror and the key; nothing is installed.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock as clock } from "../../runtime/clock.ts";
import { cacheFolders } from "../../runtime/dev-server/cache-folder.ts";
import { serverCache } from "../../runtime/dev-server/server-cache.ts";
import { unpackServerPackage } from "../../runtime/dev-server/server-package.ts";
import { binaryProbe, type ServerBinary } from "../../runtime/dev-server/server-probe.ts";

/** Which suite has which version. sid moves on: "newest" is what it had when it was first fetched. */
const SUITES: ReadonlyMap<string, string> = new Map([
  ["2.9.10", "bookworm"],
  ["2.10.27", "trixie"],
  ["newest", "sid"],
]);

/** Fetched once, and kept apart from those of `handlers dev`. Rejects with the reason. */
export async function debianServer(wanted: string, onProgress: (line: string) => void): Promise<ServerBinary> {
  const suite = SUITES.get(wanted);
  if (suite === undefined) {
    throw new Error(`NATS_SERVER_VERSION=${wanted}: there are ${[...SUITES.keys()].join(", ")}`);
  }
  const folders = cacheFolders(process.env).map(({ kind, path }) => ({
    kind,
    path: join(path, "test-servers", suite),
  }));
  const cache = serverCache({ folders, probe: binaryProbe(process.env, clock), clock });
  const kept = await cache.read();
  if (kept.kind === "usable") return kept.binary;
  onProgress(`getting ${wanted} from Debian's suite ${suite} with apt-get (nothing is installed)`);
  const source = sourceOf(await systemSources(), suite);
  const got = await cache.fill(async (workDir) => {
    const parts = join(workDir, "sources");
    await mkdir(parts);
    await writeFile(join(parts, "suite.sources"), source);
    const config = join(workDir, "suite.conf");
    await writeFile(config, `Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "${parts}";\n`);
    return unpackServerPackage({ workDir, env: { ...process.env, APT_CONFIG: config }, clock });
  });
  if (got.kind === "failed") throw new Error(`NATS_SERVER_VERSION=${wanted}: ${got.why}`);
  return got.binary;
}

const SOURCES = "/etc/apt/sources.list.d";

/** The paragraphs of the system's `.sources` files. */
async function systemSources(): Promise<string[]> {
  const names = await readdir(SOURCES).catch(() => []); // not a Debian system
  const texts = names.filter((name) => name.endsWith(".sources")).map((name) => readFile(join(SOURCES, name), "utf8"));
  return (await Promise.all(texts)).flatMap((text) => text.split(/\n\s*\n/));
}

/** The system's Debian archive, with another suite. */
function sourceOf(paragraphs: readonly string[], suite: string): string {
  const field = (paragraph: string, name: string) => new RegExp(`^${name}:\\s*(.+)$`, "m").exec(paragraph)?.[1];
  for (const paragraph of paragraphs) {
    const [uris, key] = [field(paragraph, "URIs"), field(paragraph, "Signed-By")];
    if (uris === undefined || key === undefined || !/\/debian\/?$/.test(uris)) continue;
    return `Types: deb\nURIs: ${uris}\nSuites: ${suite}\nComponents: main\nSigned-By: ${key}\n`;
  }
  throw new Error(
    `no Debian archive in ${SOURCES}/*.sources: name a nats-server with NATS_SERVER_BIN=/path/to/nats-server`,
  );
}
