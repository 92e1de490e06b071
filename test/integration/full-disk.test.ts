// The disk of the nats-server is full: that is told, nothing is lost, and all goes on when there is room again.

import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { connectClient } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const SOON = { timeout: 40_000, interval: 100 };
const ORDERS = Array.from({ length: 20 }, (_, at) => at + 1);
/** More than the disk has: else the server refuses by its own reckoning, long before the disk does. */
const BELIEVES = "jetstream { max_file_store: 1GB }";

let server: TestServer | undefined;
let disk: ReturnType<typeof smallDisk>;
afterEach(async () => {
  await server?.kill();
  await server?.stop();
  disk?.remove();
});

/** A file system of eight megabytes; undefined where we may not mount one. */
function smallDisk() {
  const path = mkdtempSync(join(tmpdir(), "nats-handlers-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", path], { stdio: "ignore" });
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  const filling = join(path, "filling");
  return {
    path,
    fill() {
      const file = openSync(filling, "w");
      for (let bytes = 65_536; bytes >= 1; ) {
        try {
          writeSync(file, Buffer.alloc(bytes));
        } catch {
          bytes = Math.floor(bytes / 2);
        }
      }
      closeSync(file);
    },
    makeRoom: () => rmSync(filling),
    remove() {
      execFileSync("umount", ["-l", path]);
      rmSync(path, { recursive: true });
    },
  };
}

/** Runs up to the gate, which is a file, and publishes when it is there. */
const forwardAt = (gate: string) => `
  import { existsSync } from "node:fs";
  import { setTimeout as delay } from "node:timers/promises";
  export const metadata = { subject: "order", kind: "durable", concurrency: 32 };
  export default async (order, ctx) => {
    while (!existsSync(${JSON.stringify(gate)})) await delay(20, undefined, { signal: ctx.signal });
    await ctx.publish("out.order", { id: order.id, filling: "x".repeat(40_000) });
  };`;

it("is told by /readyz, status and log, loses nothing, and holds nobody up any more once there is room", async ({
  skip,
}) => {
  disk = smallDisk();
  if (disk === undefined) return skip("no file system may be mounted here");
  server = await startTestServer({ storeDir: join(disk.path, "store"), config: BELIEVES });
  const servers = server.url;
  const client = await connectClient(servers);
  const jsm = await jetstreamManager(client.connection, { checkAPI: false });
  await jsm.streams.add({ name: "ORDER", subjects: ["order"] });
  await jsm.streams.add({ name: "OUT", subjects: ["out.>"] });
  const port = await freePort();
  const gate = join(mkdtempSync(join(tmpdir(), "nats-handlers-gate-")), "open");
  const handlers = { "forward.js": forwardAt(gate) };
  const app = await stage.start({ handlers, config: { nats: { servers }, http: { port } } });
  const ready = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    const { stuck } = (await answer.json()) as { stuck: { reason: string }[] };
    return { status: answer.status, stuck: stuck.map(({ reason }) => reason).sort() };
  };
  for (const id of ORDERS) await client.ask("order", { id });

  const held = app.next("handler.held", { handler: "forward" });
  disk.fill();
  writeFileSync(gate, "");
  console.log(`told: ${(await held).text}`);
  await expect.poll(ready, SOON).toMatchObject({ status: 503, stuck: [expect.any(String)] });
  expect(app.status("forward").holds).not.toEqual([]);

  disk.makeRoom();
  // Some servers write again by themselves, others only after a restart.
  await server.kill();
  await server.restart();
  const stored = async () => {
    const { last_seq: last } = (await jsm.streams.info("OUT")).state;
    const found = new Set<number>();
    // What could not be written leaves gaps.
    for (let seq = 1; seq <= last; seq++) {
      const message = await jsm.streams.getMessage("OUT", { seq }).catch(() => null);
      if (message !== null) found.add(message.json<{ id: number }>().id);
    }
    return [...found].sort((a, b) => a - b);
  };
  await expect.poll(() => stored().catch(String), SOON).toEqual(ORDERS);
  await expect.poll(ready, SOON).toEqual({ status: 200, stuck: [] });
  expect(await new DeadLetterBox(client.connection, "shop").list()).toEqual([]);
  await client.connection.close();
  await app.close();
});
