// What the page begins to do to many letters goes on when the page's process ends, and other pages show it and stop it.
// @module-tag any-server

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { controlSubject } from "../../runtime/control/control-protocol.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";
import type { OperationView } from "../../runtime/page/answers.ts";
import { type CliProcess, startCli } from "../support/cli-process.ts";
import type { Collector } from "../support/client.ts";
import { childProcesses, ended } from "../support/processes.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const MANY = 200;
const RATE = 50;
const ORDER = { letters: { filter: { handler: "picky", upTo: MANY } }, rate: RATE };

/** Each event fails the first time. */
const PICKY = `export const metadata = { subject: "t.item", kind: "durable", stream: "T", retry: { attempts: 1 } };
const seen = new Set();
export default async (event, ctx) => {
  if (!seen.has(event.n)) { seen.add(event.n); throw new Error("refused"); }
  await ctx.publish("ran", event);
};\n`;

interface Ui extends CliProcess {
  act(path: string, body: object): Promise<unknown>;
}

async function startUi(): Promise<Ui> {
  const project = createProject();
  const args = ["ui", "--port", "0", "--app", "shop", "--server", stage.server.url];
  const ui = startCli(args, { cwd: project.rootDir, ownGroup: true });
  void ui.ended.then(() => project.end());
  const [, url = ""] = await ui.printed(/shop: (http:\S+)/);
  const { origin, hash } = new URL(url);
  const headers = { Authorization: `Bearer ${hash.replace("#t=", "")}`, "Content-Type": "application/json" };
  return {
    ...ui,
    async act(path, body) {
      const response = await fetch(`${origin}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      expect(response.status).toBe(200);
      return response.json();
    },
  };
}

const orderProcess = () => [...childProcesses()].find((pid) => lookUpProcess(pid)?.command.includes("carry-out"));
const letters = async () => (await new DeadLetterBox(stage.client.connection, "shop").list()).length;
const told = () => stage.client.collect<OperationView>(controlSubject("shop", "operation"));
const isUnderWay = ({ done, state }: OperationView) => done > 0 && state === "running";
const lastOf = (operation: Collector<OperationView>) => operation.values.at(-1);

beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.item"] });
  await stage.start({ handlers: { "picky.js": PICKY } });
  for (let n = 0; n < MANY; n++) stage.client.publish("t.item", { n });
  await expect.poll(letters, { timeout: 60_000 }).toBe(MANY);
});

describe("a redrive of many letters", () => {
  for (const [how, end] of [
    ["is killed", (ui: Ui) => process.kill(ui.pid, "SIGKILL")],
    ["ends by Ctrl-C", (ui: Ui) => process.kill(-ui.pid, "SIGINT")],
  ] as const) {
    it(`goes on when the page's process ${how}: all run, each once, and another page tells the end`, async () => {
      const ran = await stage.client.collect<{ n: number }>("ran");
      const operation = await told();
      const [ui, other] = await Promise.all([startUi(), startUi()]);
      await ui.act("/api/redrive", ORDER);
      await operation.when((values) => values.some(isUnderWay));
      end(ui);
      await ui.ended;
      expect(lastOf(operation)?.state).toBe("running");
      await operation.when((values) => values.some(({ state }) => state !== "running"));
      expect(lastOf(operation)).toMatchObject({ state: "done", done: MANY, total: MANY, rate: RATE });
      await other.printed(/redrive letters of handler picky, up to 200: done, 200 of 200/);
      await ran.until(MANY);
      stage.client.publish("t.item", { n: 0, last: true });
      await ran.until(MANY + 1);
      expect(new Set(ran.values.map(({ n }) => n)).size).toBe(MANY);
      expect(ran.values).toHaveLength(MANY + 1);
      expect(await letters()).toBe(0);
      process.kill(other.pid, "SIGTERM");
      await other.ended;
    });
  }

  it("is stopped from another page than the one that began it: the rest are letters still", async () => {
    const ran = await stage.client.collect<{ n: number }>("ran");
    const operation = await told();
    const [ui, other] = await Promise.all([startUi(), startUi()]);
    const { id } = (await ui.act("/api/redrive", ORDER)) as OperationView;
    await operation.when((values) => values.some(isUnderWay));
    expect(await other.act("/api/stop", { id })).toEqual({ stopped: true });
    await operation.when((values) => values.some(({ state }) => state !== "running"));
    const { done = 0, state } = lastOf(operation) ?? {};
    expect(state).toBe("stopped");
    expect(await letters()).toBe(MANY - done);
    expect(await ran.until(done)).toHaveLength(done);
    for (const one of [ui, other]) {
      await one.printed(/stopped, \d+ of 200/);
      process.kill(one.pid, "SIGTERM");
      await one.ended;
    }
  });

  it("whose own process is killed is told to have failed, and can be begun again: nothing runs twice", async () => {
    const ran = await stage.client.collect<{ n: number }>("ran");
    const operation = await told();
    const ui = await startUi();
    await ui.act("/api/redrive", ORDER);
    await operation.when((values) => values.some(isUnderWay));
    const pid = orderProcess() ?? 0;
    process.kill(pid, "SIGKILL");
    await ended(pid);
    await ui.printed(/failed, \d+ of 200: its process ended with SIGKILL: begin again/);
    await ui.act("/api/redrive", { letters: ORDER.letters });
    await ran.until(MANY);
    await ui.printed(/done, (\d+) of \1/);
    expect(ran.values).toHaveLength(MANY);
    expect(await letters()).toBe(0);
    process.kill(ui.pid, "SIGTERM");
    await ui.ended;
  });
});
