// `handlers status --connections`: what the processes of handlers, and those that they have started, are connected to.
// @module-tag any-server

import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { ControlClient } from "../../runtime/control/client.ts";
import { runCli } from "../support/cli-process.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

let database: Server;
let port: number;

beforeAll(async () => {
  database = createServer((socket) => socket.resume().on("error", () => undefined)).listen(0, "127.0.0.1");
  await once(database, "listening");
  port = (database.address() as AddressInfo).port;
});
afterAll(() => database.close());

/** `setup` opens so many connections, as a pool does. */
const pooled = (size: number) => `
  import { connect } from "node:net";
  import { once } from "node:events";
  export const metadata = { subject: "pooled.${size}", env: ["DATABASE_PORT"] };
  const open = [];
  export async function setup() {
    for (let at = 0; at < ${size}; at++) {
      const socket = connect(Number(process.env.DATABASE_PORT), "127.0.0.1");
      await once(socket, "connect");
      open.push(socket);
    }
  }
  export default () => {};`;

/** It is a program of its own that is connected; the handler waits until it says so. */
const starting = `
  import { spawn } from "node:child_process";
  import { once } from "node:events";
  export const metadata = { subject: "starting", env: ["DATABASE_PORT"] };
  export async function setup() {
    const code = 'require("net").connect(Number(process.env.DATABASE_PORT), "127.0.0.1", () => console.log("up"))';
    const program = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    await once(program.stdout, "data");
  }
  export default () => {};`;

it.skipIf(process.platform !== "linux")(
  "pools of all handlers are summed up by what they are connected to",
  async () => {
    const handlers = { "small.ts": pooled(2), "large.ts": pooled(5), "starting.ts": starting };
    const environment = { DATABASE_PORT: String(port) };
    const app = await stage.start({ handlers, environment, mode: "start" });
    const client = new ControlClient(stage.client.connection, "shop", undefined, systemClock);
    const { connections, unknown } = await client.connections([]);
    const toDatabase = connections.filter(({ target }) => target === `127.0.0.1:${port}`);
    const counts = toDatabase.map(({ handler, way, count, processes }) => [handler, way, count, processes]);
    expect(counts.sort()).toEqual([
      ["large", "out", 5, 1],
      ["small", "out", 2, 1],
      ["starting", "out", 1, 1],
    ]);
    expect(unknown).toEqual([]);
    const { stdout } = await runCli(["status", "--connections", "--app", "shop", "large", "small"], {
      cwd: app.project.rootDir,
      env: { NATS_URL: stage.server.url },
    });
    expect(stdout.split("\n").map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ["TARGET", "HANDLER", "OPEN", "PROCESSES", "REPLICAS"],
      [`127.0.0.1:${port}`, "2 handlers", "7", "2", "1"],
      ["large", "5", "1", "1"],
      ["small", "2", "1", "1"],
      [""],
    ]);
  },
);
