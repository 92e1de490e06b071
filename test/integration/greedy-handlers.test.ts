// What a handler takes of what it shares with others - the supervisor's loop and memory, and the machine's - has bounds.
// @module-tag any-server

import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";
import { runCli } from "../support/cli-process.ts";
import { loadNeighbours, NEIGHBOURS } from "../support/neighbour.ts";
import { ended } from "../support/processes.ts";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const MIB = 1024 ** 2;

it("a flood of short lines is dropped and counted, by handler, and its neighbours lose nothing while it lasts", async () => {
  const app = await stage.start({ handlers: { ...NEIGHBOURS, "printer.ts": fixture("prints-without-end.ts") } });
  const neighbours = await loadNeighbours(stage.client);
  const printing = await stage.client.collect("printing");
  const over = stage.client.ask("prints", JSON.stringify("go"));
  await printing.until(1);
  const first = await app.next("handler.output-dropped");
  expect(first).toMatchObject({ handler: "printer", stream: "stdout", count: expect.any(Number) });
  const from = app.mark();
  await neighbours.more(200);
  await app.next("handler.output-dropped", {}, from);
  // Of what it prints, a thousandth is told.
  const told = app.told("handler.output", from).length;
  const dropped = app.told("handler.output-dropped", from).reduce((sum, { count }) => sum + count, 0);
  expect(dropped).toBeGreaterThan(10 * told);
  await stage.client.ask("prints", JSON.stringify("stop"));
  expect((await over).code).toBe(0);
  const account = await neighbours.stop();
  expect([account.wrongEvents, account.wrongAnswers]).toEqual([[], []]);
  expect(app.told("worker.exited")).toEqual([]);
});

it("50,000 requests that nobody awaits wait in the worker, not in the supervisor, and end with it", async () => {
  const app = await stage.start({
    handlers: { "asks.ts": fixture("asks-without-waiting.ts"), "echo.ts": fixture("echoes.ts") },
  });
  let asked = 0;
  stage.client.connection.subscribe("never.answered", { callback: () => void asked++ });
  await stage.client.flush();
  const rssBefore = process.memoryUsage().rss;
  expect((await stage.client.ask("asks", 50_000)).code).toBe(0);
  expect((await stage.client.ask("echo", 1)).value).toBe(1);
  await expect.poll(() => asked).toBe(1_024);
  // Each of them costs the supervisor several KB: 50,000 would show.
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(150 * MIB);

  // Each that is waited for has a timer of its own.
  const open = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  expect(open()).toBeGreaterThanOrEqual(1_024);
  const exited = app.next("worker.exited");
  process.kill(app.status("asks").pids[0]!, "SIGKILL");
  await exited;
  await expect.poll(open).toBeLessThan(200);
  expect((await stage.client.ask("asks", 1)).code).toBe(0);
  expect(asked).toBeLessThanOrEqual(1_025);
});

for (const [bad, does] of [
  ["child", "in its session"],
  ["session", "in a session of its own"],
  ["orphan", "by a shell that has gone"],
] as const) {
  it.skipIf(!existsSync("/proc/self/statm"))(
    `memory of a program started ${does} counts, and the program ends too`,
    async () => {
      const app = await stage.start({
        handlers: { "culprit.ts": fixture("starts-an-eater.ts"), "echo.ts": fixture("echoes.ts") },
      });
      const eater = await stage.client.collect<number>("eater");
      const exited = app.next("worker.exited");
      const failed = app.next("delivery.failed");
      stage.client.publish("culprit", { n: 1, bad });
      const [pid] = await eater.until(1);
      expect((await exited).error).toMatchObject({
        code: "WORKER_OUT_OF_MEMORY",
        message: expect.stringContaining("ran out of memory, with the processes it had started"),
      });
      expect(await failed).toMatchObject({ outcome: "out-of-memory" });
      await ended(pid!);
      expect(lookUpProcess(pid!)?.command ?? "").toBe("");
      expect((await stage.client.ask("echo", 1)).value).toBe(1);
    },
  );
}

it("a handler that declares a million subjects is refused by `check` and at its load, by its name", async () => {
  const many = `export const metadata = { subject: "many", publishes: Array.from({ length: 1_000_000 }, (_, n) => "a." + n) };
    export default () => {};`;
  const app = await stage.start({ handlers: { "echo.ts": fixture("echoes.ts") } });
  const failed = await app.after(() => app.project.write("many.ts", many), "handler.failed");
  const message = expect.stringContaining(
    'handler "many": metadata.publishes must have at most 1,000 entries; received 1000000',
  );
  expect([failed.handler, failed.error]).toEqual([
    "many",
    expect.objectContaining({ code: "METADATA_INVALID", message }),
  ]);
  expect((await stage.client.ask("echo", 1)).value).toBe(1);
  const check = await runCli(["check"], { cwd: app.project.rootDir });
  expect(check).toMatchObject({ code: 1, stdout: expect.stringMatching(/many.*\n?.*must have at most 1,000 entries/) });
});
