// A start that does not succeed leaves nothing behind: a process that can do nothing must end, to be started again.

import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { type Clock, systemClock, type Timer } from "../../runtime/clock.ts";
import { startRuntime } from "../../runtime/compose/start.ts";
import { loadConfig } from "../../runtime/config/load.ts";
import { startTestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject } from "../support/project.ts";

it("when the server dies after the handlers serve and before the start is done, no timer and no process is left", async () => {
  const server = await startTestServer();
  const client = await connect({ servers: server.url });
  const jsm = await jetstreamManager(client);
  await jsm.streams.add({ name: "SHOP", subjects: ["shop.>"] });
  await client.close();
  const before = childProcesses();
  const handler = 'export const metadata = { subject: "shop.order", kind: "durable" }; export default () => {};';
  const project = createProject({ "order.js": handler });
  const { clock, open } = countingClock();
  const env = { NATS_URL: server.url };
  const config = await loadConfig({ rootDir: project.rootDir, mode: "start", flags: {}, configPath: undefined, env });
  const starting = startRuntime({
    config,
    mode: "start",
    clock,
    emit({ type }) {
      if (type === "handler.serving") process.kill(server.pid, "SIGKILL");
    },
    environment: { PATH: process.env.PATH },
    onProgress: () => undefined,
  });
  await expect(starting).rejects.toThrow();
  await noneLeft(new Set([...before]));
  await expect.poll(open).toBe(0);
  await server.stop();
  project.end();
});

/** Counts the timers that would keep a process alive. */
function countingClock(): { clock: Clock; open: () => number } {
  const timers = new Set<object>();
  const clock: Clock = {
    ...systemClock,
    after(delayMs, callback): Timer {
      const mark = {};
      timers.add(mark);
      const timer = systemClock.after(delayMs, () => {
        timers.delete(mark);
        callback();
      });
      return {
        cancel() {
          timers.delete(mark);
          timer.cancel();
        },
      };
    },
  };
  return { clock, open: () => timers.size };
}
