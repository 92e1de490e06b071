// A real PostgreSQL for one test file: a cluster of its own in a temporary folder, on a free port of this machine.

import { execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { systemClock, within } from "../../runtime/clock.ts";
import { freePort } from "./free-port.ts";

const CLIENTS_MS = 5_000;
const DEBIANS = "/usr/lib/postgresql";

export interface TestPostgres {
  /** For `new Pool({ connectionString })`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Where `initdb` and `postgres` lie; undefined: there is none on this machine, and what needs it is skipped. */
export const postgresFolder: string | undefined = (existsSync(DEBIANS) ? readdirSync(DEBIANS) : [])
  .sort((a, b) => Number(b) - Number(a))
  .map((version) => join(DEBIANS, version, "bin"))
  .concat((process.env.PATH ?? "").split(":"))
  .find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));

export const hasPostgres = postgresFolder !== undefined;
if (!hasPostgres) console.log("no PostgreSQL here (apt-get install postgresql): its stories are skipped");

/** @param settings of `postgres`, as `{ fsync: "off" }` */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "nats-handlers-postgres-"));
  const data = join(folder, "data");
  const user = unprivileged();
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!);
  const options: SpawnOptions = { ...user, cwd: folder, stdio: ["ignore", "pipe", "pipe"] };
  execFileSync(
    join(postgresFolder!, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
    {
      ...user,
      cwd: folder,
      stdio: "pipe",
    },
  );
  const port = await freePort();
  const set = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = spawn(
    join(postgresFolder!, "postgres"),
    ["-D", data, "-k", folder, "-h", "127.0.0.1", "-p", String(port), ...set],
    options,
  );
  const ended = once(server, "exit");
  const said: string[] = [];
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: server.stderr! }).on("line", (line) => {
      said.push(line);
      if (line.includes("ready to accept connections")) resolve();
    });
  });
  const isUp = await Promise.race([ready.then(() => true), ended.then(() => false)]);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (!isUp) {
    remove();
    throw new Error(`postgres did not come up:\n${said.join("\n")}`);
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      server.kill("SIGTERM"); // waits for its clients: one that just says goodbye is not to hear of an end
      if ((await within(systemClock, CLIENTS_MS, ended)) === "expired") server.kill("SIGINT");
      await ended;
      remove();
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}
