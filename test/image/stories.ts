// What the image must do when it runs.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Buildah } from "./buildah.ts";
import {
  ageMs,
  follow,
  type ImageConfig,
  mainProcess,
  processesBelow,
  type Running,
  startContainer,
  userOf,
} from "./container.ts";
import type { Report } from "./report.ts";

export interface Stage {
  readonly buildah: Buildah;
  readonly container: string;
  readonly config: ImageConfig;
  /** Of the nats-server. */
  readonly url: string;
  readonly report: Report;
}

const READY = /"event":"runtime\.ready".*"serving":(\d+),"failed":(\d+)/;
const READY_WITHIN_MS = 1_000;
const GRACE_MS = 25_000;
const ITEMS = 1_000;

/** Starts fast, serves the sample as a user without rights, is healthy, and can be operated from within. */
export async function serves(stage: Stage): Promise<void> {
  const { report } = stage;
  const app = await start(stage, ["start", "--provision"]);
  const [, serving, failed] = await app.printed(READY);
  const readyMs = ageMs(app.pid);
  report.check("every handler of the sample serves", serving === "4" && failed === "0", `${serving} serving`);
  report.check(`it is ready within ${READY_WITHIN_MS} ms of its start`, readyMs < READY_WITHIN_MS, `${readyMs} ms`);
  const users = new Set([app.pid, ...processesBelow(app.pid)].map(userOf));
  report.check("all its processes are of the user 1000", users.size === 1 && users.has(1_000), [...users].join(" "));
  report.check("nothing in it warns", !/"level":"(warn|error)"/.test(app.text()));
  const status = await inside(stage, ["handlers", "status", "--json"]);
  report.check("`handlers status` works in it", status.code === 0 && status.text.includes("todo/save"));
  await isHealthy(stage);
  await stops(app, "SIGTERM ends it with 0", report);
}

async function isHealthy(stage: Stage): Promise<void> {
  const [, ...command] = stage.config.Healthcheck.Test;
  const health = await inside(stage, command);
  stage.report.check(
    "its health check says that it is healthy",
    health.code === 0,
    `${health.code} ${health.text}`.trim(),
  );
}

/** Told to stop in the middle of its work, it loses nothing. */
export async function drains(stage: Stage): Promise<void> {
  const { report } = stage;
  const connection = await connect({ servers: stage.url });
  try {
    const first = await start(stage);
    await first.printed(READY);
    await publishItems(connection);
    await until(async () => (await savedItems(connection)) > ITEMS / 10);
    const before = await stops(first, "SIGTERM in the middle of the work ends it with 0", report);
    report.check("it drains within the grace", before < GRACE_MS, `${Math.round(before)} ms`);
    const left = await unfinished(connection);
    const second = await start(stage);
    await second.printed(READY);
    await until(async () => (await unfinished(connection)) === 0);
    const saved = await savedItems(connection);
    report.check(
      `all of ${ITEMS} messages are handled, none is lost`,
      saved === ITEMS,
      `${saved} saved, ${left} deliveries were left at the stop`,
    );
    await stops(second, "and ends again with 0", report);
  } finally {
    await connection.close();
  }
}

/**
 * As in a container: its process is number 1, which gets no signal it does not listen for; and as in one with a read-only
 * root, and a volume for the sample's database.
 */
export async function runsAsFirstProcess({ buildah, container, config, url, report }: Stage): Promise<void> {
  const rootfs = await buildah(["mount", container]);
  const volume = `${rootfs}${config.WorkingDir}/.handlers`;
  const mounts = `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -t tmpfs -o mode=1777 volume "$1" &&
    mount -t proc proc "$0/proc" && shift && exec "$@"`;
  const chroot = ["chroot", `--userspec=${config.User}`, rootfs, "env", "-C", config.WorkingDir, "-i", ...config.Env];
  const command = [...chroot, `NATS_URL=${url}`, "HANDLERS_ONLY=todo/l*", ...config.Entrypoint, ...config.Cmd];
  const namespaces = ["--pid", "--fork", "--kill-child", "--mount", "sh", "-c", mounts, rootfs, volume];
  const started = follow(spawn("unshare", [...namespaces, ...command], { stdio: ["ignore", "pipe", "pipe"] }));
  const [, serving] = await started.printed(READY);
  report.check("HANDLERS_ONLY picks handlers", serving === "1", `${serving} serving`);
  const connection = await connect({ servers: url });
  const answer = await connection.request("todo.list", "", { timeout: 5_000 });
  await connection.close();
  report.check(
    "it answers with a read-only root",
    answer.json<{ items: unknown[] }>().items.length === 0,
    answer.string(),
  );
  const mounted = readFileSync(`/proc/${mainProcess(started.pid)}/mounts`, "utf8").split("\n");
  const root = mounted.find((line) => line.split(" ")[1] === "/");
  report.check("its root is read-only", root?.split(" ")[3]?.split(",")[0] === "ro", root ?? "no root");
  await stops({ ...started, pid: mainProcess(started.pid) }, "as process 1 it ends at SIGTERM with 0", report);
}

function start({ buildah, container, config, url }: Stage, command?: readonly string[]): Promise<Running> {
  const env = { NATS_URL: url };
  return startContainer({ buildah, container, config, env, ...(command === undefined ? {} : { command }) });
}

/** Resolves with the milliseconds it took. */
async function stops(app: Running, what: string, report: Report): Promise<number> {
  const askedAtMs = performance.now();
  process.kill(app.pid, "SIGTERM");
  const code = await app.ended;
  report.check(what, code === 0, `exit code ${code}`);
  if (code !== 0) report.say(app.text().split("\n").slice(-5).join("\n  "));
  return performance.now() - askedAtMs;
}

/** A command beside the one that runs. */
async function inside(stage: Stage, command: readonly string[]): Promise<{ code: number | null; text: string }> {
  const { buildah, container, url } = stage;
  const run = follow(buildah.start(["run", "--env", `NATS_URL=${url}`, container, "--", ...command]));
  return { code: await run.ended, text: run.text() };
}

async function publishItems(connection: NatsConnection): Promise<void> {
  const ids = Array.from({ length: ITEMS }, () => crypto.randomUUID());
  const js = jetstream(connection);
  await Promise.all(ids.map((id) => js.publish("todo.newitem", JSON.stringify({ id, item: "milk" }))));
}

async function savedItems(connection: NatsConnection): Promise<number> {
  const reply = await connection.request("todo.list", JSON.stringify({ limit: ITEMS }), { timeout: 10_000 });
  return (reply.json() as { items: unknown[] }).items.length;
}

/** Messages that a durable handler has yet to settle. */
async function unfinished(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection);
  let count = 0;
  for await (const { num_pending, num_ack_pending } of manager.consumers.list("TODO"))
    count += num_pending + num_ack_pending;
  return count;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
