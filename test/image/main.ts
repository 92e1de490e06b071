// `npm run test:image`: builds the Dockerfile as it is, and runs the sample in it against a real nats-server. Needs
// Debian's buildah and debootstrap, and root; without them it says so and does nothing. `-- --verbose` shows the build,
// `-- --no-build` runs the image that is there.

import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startTestServer } from "../support/nats-server.ts";
import { BASE, prepareBase, writeNpmrc } from "./base-image.ts";
import { type Buildah, buildahIn, isThere } from "./buildah.ts";
import { imageConfig } from "./container.ts";
import { contentOf, kilobytes, listing, unwantedIn } from "./content.ts";
import { createReport, type Report } from "./report.ts";
import { drains, runsAsFirstProcess, serves } from "./stories.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const IMAGE = "localhost/nats-handlers:test";
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "nats-handlers", "image");

async function main(): Promise<number> {
  const missing = await whatIsMissing();
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return 0;
  }
  const report = createReport(console.log);
  await mkdir(CACHE, { recursive: true });
  const buildah = buildahIn(join(CACHE, "storage"));
  // Of a run that was cut off.
  await buildah(["rm", "--all"]);
  await prepareBase(buildah, CACHE, report.say);
  if (!process.argv.includes("--no-build")) await build(buildah, report);
  const container = await buildah(["from", "--pull-never", IMAGE]);
  try {
    await look(buildah, container, report);
    await run(buildah, container, report);
  } finally {
    await buildah(["rm", container]);
    await buildah(["rmi", "--prune"]).catch(() => "");
  }
  report.say(report.failed === 0 ? "all fine" : `${report.failed} failed`);
  return report.failed === 0 ? 0 : 1;
}

async function whatIsMissing(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "an image is built here on Linux, by root";
  for (const tool of ["buildah", "debootstrap"]) {
    if (!(await isThere(tool))) return `there is no ${tool}: \`apt-get install buildah debootstrap\` brings it`;
  }
  return undefined;
}

async function build(buildah: Buildah, report: Report): Promise<void> {
  const startedAtMs = performance.now();
  const npmrc = join(CACHE, "npmrc");
  await writeNpmrc(npmrc);
  const show = process.argv.includes("--verbose");
  await buildah(["build", "--pull-never", "--layers=false", "--secret", `id=npmrc,src=${npmrc}`, "-t", IMAGE, ROOT], {
    show,
  });
  report.check("the Dockerfile builds", true, `${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`);
}

async function look(buildah: Buildah, container: string, report: Report): Promise<void> {
  const config = await imageConfig(buildah, IMAGE);
  const { User, Entrypoint, Cmd, StopSignal, Healthcheck, Labels } = config;
  report.check("it does not run as root", /^[1-9]\d*:\d+$/.test(User), User);
  report.check(
    "its entry point is a program, not a shell",
    Entrypoint[0] === "handlers",
    [...Entrypoint, ...Cmd].join(" "),
  );
  report.check("it is stopped by SIGTERM", StopSignal === "SIGTERM");
  report.check("it has a health check", Healthcheck.Test[0] === "CMD");
  report.check("it has labels", Labels["org.opencontainers.image.title"] === "nats-handlers");
  const rootfs = await buildah(["mount", container]);
  const content = contentOf(rootfs, "app");
  report.check(
    "it holds no tools, no sources and no tests",
    unwantedIn(content.files).length === 0,
    unwantedIn(content.files).join(" "),
  );
  report.check(
    "it brings the compiled code of the runtime",
    content.files.some((file) => file.startsWith("/app/.compiled/")),
  );
  const base = await buildah(["from", "--pull-never", BASE]);
  const added = contentOf(rootfs, ".").bytes - contentOf(await buildah(["mount", base]), ".").bytes;
  await buildah(["rm", base]);
  report.check("it adds less than 10 MB to Node's image", added < 10_000_000, kilobytes(added));
  for (const line of listing(rootfs, content)) report.say(line);
}

async function run(buildah: Buildah, container: string, report: Report): Promise<void> {
  const server = await startTestServer();
  const stage = { buildah, container, config: await imageConfig(buildah, IMAGE), url: server.url, report };
  try {
    await serves(stage);
    await drains(stage);
    await runsAsFirstProcess(stage);
  } finally {
    await server.stop();
  }
}

process.exitCode = await main();
