// `ctx.defer`: messages that are settled after their function has returned.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { run } from "../../runtime/cli/run.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";

const stage = useStage();
let manager: JetStreamManager;

beforeEach(async () => {
  manager = await jetstreamManager(stage.client.connection);
  await removeStreams(manager);
  await manager.streams.add({ name: "JOBS", subjects: ["jobs"] });
});

/** Returns at once; what is asked at "answers" says later how the message ends. Tells of each run, and of each that came too late. */
const job = (lease: string, more = "") => `
  export const metadata = { subject: "jobs", kind: "durable", concurrency: 1, timeout: "2s", retry: { attempts: 3, backoff: "10ms" } };
  import { GiveUp, RetryLater } from "nats-handlers";
  export default async ({ n }, ctx) => {
    const later = ctx.defer({ lease: "${lease}" });
    const { attempt } = ctx;
    ctx.request("answers", { n, attempt, pid: process.pid }, { timeout: "1h" }).then(async (how) => {
      ${more}
      if (how === "dies") process.kill(process.pid, "SIGKILL");
      if (how === "publishes") await ctx.publish("jobs.done", { n });
      const inTime = how === "retries late" ? later.fail(new RetryLater("2500ms")) : how === "retries" ? later.fail(new RetryLater("10ms"))
        : how === "gives up" ? later.fail(new GiveUp("no use"))
        : later.done();
      await ctx.publish("settled", { n, how, inTime });
    }, () => {});
    ctx.signal.addEventListener("abort", () => void ctx.publish("aborted", { n, why: ctx.signal.reason.message }));
  };`;

interface Asked {
  readonly n: number;
  readonly attempt: number;
  readonly pid: number;
  answer(how: string): void;
}

/** What the handler asks is answered when the test says so. */
function answers() {
  const asked: Asked[] = [];
  const subscription = stage.client.connection.subscribe("answers", {
    callback(_error, message) {
      asked.push({ ...message.json<Omit<Asked, "answer">>(), answer: (how) => message.respond(JSON.stringify(how)) });
    },
  });
  return {
    asked,
    async of(n: number, attempt: number): Promise<Asked> {
      const find = () => asked.find((one) => one.n === n && one.attempt === attempt);
      await expect.poll(find, { timeout: 60_000 }).toBeDefined();
      return find()!;
    },
    end: () => subscription.unsubscribe(),
  };
}

const publish = (...numbers: readonly number[]) => {
  for (const n of numbers) stage.client.publish("jobs", { n });
};

async function unsettled(): Promise<number> {
  const { num_pending, num_ack_pending } = await manager.consumers.info("JOBS", durableNameOf("shop", "job", "jobs"));
  return num_pending + num_ack_pending;
}

async function handlers(app: TestRuntime, ...args: string[]) {
  const terminal = fakeTerminal({ cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
  const code = await run(args, terminal);
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
}

const letters = () => new DeadLetterBox(stage.client.connection, "shop").list();

it("with one slot a hundred are begun, none blocks the next, and each ends as it is told, beyond ack_wait", async () => {
  const service = answers();
  const before = await stage.start({ handlers: { "job.ts": job("10m") } });
  const durable = durableNameOf("shop", "job", "jobs");
  await manager.consumers.update("JOBS", durable, { ack_wait: 1_000 * 1_000_000 });
  await before.close();
  const app = await stage.start({ project: before.project });
  const numbers = Array.from({ length: 100 }, (_, n) => n);
  publish(...numbers);
  await expect.poll(() => service.asked.length, { timeout: 60_000 }).toBe(100);
  await expect.poll(() => app.status("job")).toMatchObject({ inFlight: 100, deferred: 100 });
  const { stdout } = await handlers(app, "status");
  expect(stdout).toContain("deferred 100: settled later, and in no slot");
  // While that one waits for its retry, `ack_wait` is over for the others, twice.
  service.asked[0]!.answer("retries late");
  await service.of(service.asked[0]!.n, 2);
  const { num_redelivered } = await manager.consumers.info("JOBS", durable);
  expect(num_redelivered).toBe(1);
  const settled = await stage.client.collect<{ inTime: boolean }>("settled");
  for (const { answer } of service.asked.slice(1)) answer("publishes");
  await settled.until(100);
  expect(settled.values.filter(({ inTime }) => !inTime)).toEqual([]);
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  expect(app.status("job")).toMatchObject({ inFlight: 0, handled: 100, failed: 1 });
  expect(service.asked).toHaveLength(101);
  service.end();
});

it("in a process of several handlers it leaves its slot too", async () => {
  const service = answers();
  const grouped = (text: string) => text.replace('kind: "durable"', 'kind: "durable", group: "jobs"');
  const beside = `export const metadata = { subject: "jobs.done", group: "jobs" }; export default () => undefined;`;
  const app = await stage.start({ handlers: { "job.ts": grouped(job("10m")), "beside.js": beside } });
  publish(1, 2, 3);
  await expect.poll(() => service.asked.length, { timeout: 60_000 }).toBe(3);
  await expect.poll(() => app.status("job")).toMatchObject({ inFlight: 3, deferred: 3 });
  for (const { answer } of service.asked) answer("publishes");
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  await expect.poll(() => app.status("job")).toMatchObject({ inFlight: 0, handled: 3, failed: 0 });
  service.end();
});

it("fails as if the function had thrown: a retry, and a dead letter", async () => {
  const service = answers();
  const app = await stage.start({ handlers: { "job.ts": job("10m") } });
  publish(1, 2);
  (await service.of(1, 1)).answer("retries");
  (await service.of(2, 1)).answer("gives up");
  (await service.of(1, 2)).answer("publishes");
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  expect(await letters()).toMatchObject([{ reason: "gave-up", message: "no use", attempts: 1 }]);
  expect(
    app
      .told("delivery.failed")
      .map(({ outcome }) => outcome)
      .toSorted(),
  ).toEqual(["gave-up", "retry-later"]);
  service.end();
});

it("one that nobody settles times out with its lease, which is named, and is run again; the process lives on", async () => {
  const service = answers();
  const app = await stage.start({ handlers: { "job.ts": job("1s") } });
  const [aborted, settled] = [
    await stage.client.collect<{ why: string }>("aborted"),
    await stage.client.collect<{ inTime: boolean }>("settled"),
  ];
  publish(1);
  const first = await service.of(1, 1);
  const failed = await app.next("delivery.failed", { outcome: "timed-out" });
  expect(failed.error.message).toContain(
    'timed out on "jobs": was deferred, and not settled within its lease of 1000 ms',
  );
  expect(failed.error.remedy).toContain("Give it a longer `lease`");
  const second = await service.of(1, 2);
  await aborted.until(1);
  first.answer("comes late");
  await settled.until(1);
  expect(settled.values).toMatchObject([{ inTime: false }]);
  second.answer("publishes");
  await settled.until(2);
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  expect(second.pid).toBe(first.pid);
  service.end();
});

it("kill -9: what is deferred runs again, and only the one that was alone in its process is charged", async () => {
  const service = answers();
  const app = await stage.start({ handlers: { "job.ts": job("10m") } });
  publish(1, 2, 3);
  for (const n of [1, 2]) await service.of(n, 1);
  (await service.of(3, 1)).answer("dies");
  await app.next("worker.exited", { expected: false });
  await expect.poll(() => service.asked.length, { timeout: 60_000 }).toBe(6);
  expect(service.asked.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1]);
  for (const one of service.asked.slice(3)) one.answer("publishes");
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  publish(4);
  (await service.of(4, 1)).answer("dies");
  (await service.of(4, 2)).answer("publishes");
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  expect(await letters()).toEqual([]);
  service.end();
});

it("a save has the new version take over at once; what the old one deferred is settled by its own process", async () => {
  const service = answers();
  const app = await stage.start({ handlers: { "job.ts": job("10m") } });
  publish(1);
  const old = await service.of(1, 1);
  await app.after(() => app.project.write("job.ts", job("10m", "globalThis.isSaved = true;")), "handler.serving", {
    why: "reload",
  });
  publish(2);
  const fresh = await service.of(2, 1);
  expect(fresh.pid).not.toBe(old.pid);
  const retired = app.next("generation.retired");
  old.answer("publishes");
  expect(await retired).toMatchObject({ drained: true });
  fresh.answer("publishes");
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  expect(service.asked).toHaveLength(2);
  service.end();
});

it("at the end of the runtime what is deferred goes back uncharged, for the next one; an operator can cancel it", async () => {
  const service = answers();
  const first = await stage.start({ handlers: { "job.ts": job("10m") } });
  publish(1, 2);
  await service.of(2, 1);
  expect(await first.close(100)).toHaveLength(2);
  const second = await stage.start({ handlers: {}, project: first.project });
  await expect.poll(() => service.asked.length, { timeout: 60_000 }).toBe(4);
  expect(service.asked.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
  const { stdout } = await handlers(second, "running", "job", "--json");
  const { running } = JSON.parse(stdout) as { running: { id: string; isDeferred?: boolean }[] };
  expect(running.map(({ isDeferred }) => isDeferred)).toEqual([true, true]);
  expect(await handlers(second, "cancel", running[0]!.id)).toMatchObject({ code: 0 });
  await expect.poll(letters, { timeout: 60_000 }).toMatchObject([{ reason: "cancelled" }]);
  service.asked.at(-1)!.answer("publishes");
  service.asked.at(-2)!.answer("publishes");
  await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
  service.end();
});
