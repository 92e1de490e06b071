// A handler of several subjects: a subscription or a durable for each, one queue and one set of slots for all.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

interface Handled {
  readonly subject: string;
  readonly wildcards: readonly string[];
  readonly id: string;
  readonly n: number;
}

const stage = useStage();
let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
});

const telling = (subjects: readonly string[], kind: "durable" | "event" | "request", body = "") => `
  export const metadata = {
    subject: ${JSON.stringify(subjects)},
    kind: "${kind}",
    concurrency: 8,
    ${kind === "durable" ? 'retry: { attempts: 2, backoff: "10ms" },' : ""}
  };
  export default async ({ n }, ctx) => {
    const { subject, wildcards, id } = ctx;
    ${body}
    await ctx.publish("handled", { subject, wildcards, id, n });
    return { subject, wildcards };
  };`;

const DURABLE_SUBJECTS = ["order.*.placed", "user.created", "user.left"];

async function twoStreams(): Promise<void> {
  await jsm.streams.add({ name: "ORDERS", subjects: ["order.>"] });
  await jsm.streams.add({ name: "USERS", subjects: ["user.>"] });
}

async function store(subject: string, count: number, from = 0): Promise<void> {
  const { connection } = stage.client;
  const all = Array.from({ length: count }, (_, at) => connection.request(subject, JSON.stringify({ n: from + at })));
  await Promise.all(all);
}

async function waitingIn(stream: string, subject: string): Promise<number> {
  const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, durableNameOf("shop", "join", subject));
  return num_pending + num_ack_pending;
}

const cli = (args: readonly string[], cwd: string) => runCli([...args], { cwd, env: { NATS_URL: stage.server.url } });

describe("a durable handler of subjects in two streams", () => {
  it("has each message once, under an id of its own, also where two streams have given out the same number", async () => {
    await twoStreams();
    const handled = await stage.client.collect<Handled>("handled");
    await store("order.7.placed", 30);
    await store("user.created", 30);
    await stage.start({ handlers: { "join.js": telling(DURABLE_SUBJECTS, "durable") } });
    await store("user.left", 30);
    const runs = await handled.until(90);
    const expected = ["order.7.placed", "user.created", "user.left"].flatMap((subject) =>
      Array.from({ length: 30 }, (_, n) => `${subject} ${n}`),
    );
    expect(runs.map(({ subject, n }) => `${subject} ${n}`).sort()).toEqual(expected.sort());
    expect(new Set(runs.map(({ id }) => id)).size).toBe(90);
    expect(runs.find(({ subject }) => subject === "order.7.placed")).toMatchObject({
      wildcards: ["7"],
      id: expect.stringMatching(/^ORDERS:\d+:\d+$/),
    });
    expect(runs.find(({ subject }) => subject === "user.left")).toMatchObject({ id: expect.stringMatching(/^USERS:/) });
  });

  it("keeps a failed message with its own stream and subject, and runs it again under the id it had", async () => {
    await twoStreams();
    const handled = await stage.client.collect<Handled>("handled");
    const ran = await stage.client.collect<Handled>("ran");
    const failing = `
      await ctx.publish("ran", { subject, id, n });
      if (subject === "user.left") throw new Error("not yet");`;
    const app = await stage.start({ handlers: { "join.js": telling(DURABLE_SUBJECTS, "durable", failing) } });
    await store("user.left", 1);
    await app.next("delivery.failed", ({ settled }) => settled === "will be kept as a dead letter");
    const before = ran.values[0]!.id;
    const list = () => cli(["dlq", "list", "--json"], app.project.rootDir);
    await expect
      .poll(async () => JSON.parse((await list()).stdout || "{}"))
      .toMatchObject({ letters: [{ handler: "join", subject: "user.left", stream: "USERS", attempts: 2 }] });
    await app.after(
      () => app.project.write("join.js", telling(DURABLE_SUBJECTS, "durable")),
      "handler.serving",
      ({ why }) => why === "reload",
    );
    const redriven = await cli(["dlq", "redrive", "--handler", "join"], app.project.rootDir);
    expect(redriven.code, redriven.stderr).toBe(0);
    expect(await handled.until(1)).toMatchObject([{ subject: "user.left", id: before }]);
  });

  it("loses nothing with two replicas of which one is killed at any moment", async () => {
    await twoStreams();
    const handled = await stage.client.collect<Handled>("handled");
    const source = telling(DURABLE_SUBJECTS, "durable");
    const projects = [createProject({ "join.js": source }), createProject({ "join.js": source })];
    const replicas = projects.map(({ rootDir }) =>
      startCli(["start"], { cwd: rootDir, env: { NATS_URL: stage.server.url } }),
    );
    try {
      for (const replica of replicas) await replica.printed(/"event":"runtime\.ready"/);
      const storing = Promise.all(
        ["order.1.placed", "user.created", "user.left"].map((subject) => store(subject, 400)),
      );
      await handled.until(200);
      replicas[0]!.child.kill("SIGKILL");
      await storing;
      const keys = (values: readonly Handled[]) => new Set(values.map(({ subject, n }) => `${subject} ${n}`));
      await handled.when((values) => keys(values).size === 1_200);
      expect(keys(handled.values).size).toBe(1_200);
      for (const [stream, subject] of [
        ["ORDERS", "order.*.placed"],
        ["USERS", "user.created"],
        ["USERS", "user.left"],
      ] as const)
        await expect.poll(() => waitingIn(stream, subject), { timeout: 60_000 }).toBe(0);
    } finally {
      for (const { child } of replicas) child.kill("SIGTERM");
      for (const { ended } of replicas) await ended;
      for (const project of projects) project.end();
    }
  });

  it("asks for nothing more of any subject while one of them keeps all its slots", async () => {
    await twoStreams();
    const handled = await stage.client.collect<Handled>("handled");
    const gate = await stage.client.collect("gate");
    const held = 'if (subject === "user.left") await ctx.request("gate", {}, { timeout: "50s" });';
    const app = await stage.start({ handlers: { "join.js": telling(["user.left", "user.created"], "durable", held) } });
    await store("user.left", 8);
    await gate.until(8);
    const created = durableNameOf("shop", "join", "user.created");
    await expect.poll(async () => (await jsm.consumers.info("USERS", created)).num_waiting).toBe(0);
    const other = await stage.start({ handlers: { "join.js": telling(["user.left", "user.created"], "durable") } });
    await store("user.created", 3);
    expect((await handled.until(3)).map(({ subject }) => subject)).toEqual(Array(3).fill("user.created"));
    await expect.poll(() => [app.status("join").handled, other.status("join").handled]).toEqual([0, 3]);
    for (const request of gate.messages) request.respond("{}");
    await store("user.created", 8, 3);
    await handled.until(19);
    await expect.poll(() => waitingIn("USERS", "user.created")).toBe(0);
  });

  it("tells what waits of a subject that a save has left out, and goes on with the others where it was", async () => {
    await twoStreams();
    const handled = await stage.client.collect<Handled>("handled");
    const gate = await stage.client.collect("gate");
    const held = 'if (subject === "user.left") await ctx.request("gate", {}, { timeout: "20s" });';
    await store("user.left", 12);
    const app = await stage.start({ handlers: { "join.js": telling(["user.left", "user.created"], "durable", held) } });
    await gate.until(8);
    const left = app.next("runtime.notice", ({ message }) => message.includes("left in durable"));
    await app.after(() => app.project.write("join.js", telling(["user.created"], "durable")), "handler.bound", {
      subject: "user.created",
    });
    await store("user.created", 3);
    await handled.when((values) => values.filter(({ subject }) => subject === "user.created").length === 3);
    for (const request of gate.messages) request.respond("{}");
    expect((await left).message).toMatch(/^4 messages of "user\.left" left in durable .* takes "user\.created" now/);
  });

  it("is shown, switched off and granted with all of them", async () => {
    await twoStreams();
    const app = await stage.start({ handlers: { "join.js": telling(DURABLE_SUBJECTS, "durable") } });
    const { rootDir } = app.project;
    const [handler] = JSON.parse((await cli(["status", "--json"], rootDir)).stdout).handlers;
    expect(handler).toMatchObject({ subjects: DURABLE_SUBJECTS, subject: DURABLE_SUBJECTS.join(", ") });
    const granted = (await cli(["permissions"], rootDir)).stdout;
    for (const [stream, subject] of [
      ["SHOP_ORDER", "order.*.placed"],
      ["SHOP_USER", "user.created"],
      ["SHOP_USER", "user.left"],
    ] as const)
      expect(granted).toContain(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durableNameOf("shop", "join", subject)}`);
    const off = await cli(["disable", "join", "--reason", "test"], rootDir);
    expect(off.stdout).toContain("its messages wait in the stream until it is enabled: 0 so far");
    await store("user.created", 2);
    await store("order.1.placed", 3);
    await expect
      .poll(async () => JSON.parse((await cli(["status", "--json"], rootDir)).stdout).handlers[0].pending)
      .toBe(5);
  });
});

describe("event and request handlers of several subjects", { tags: ["any-server"] }, () => {
  it("have the messages of each once, with what its wildcards stand for", async () => {
    const handled = await stage.client.collect<Handled>("handled");
    const source = telling(["a.*", "b.c", "d.>"], "event");
    await stage.start({ handlers: { "join.js": source } });
    for (const subject of ["a.x", "b.c", "d.y.z", "e"]) stage.client.publish(subject, { n: 1 });
    stage.client.publish("a.last", { n: 2 });
    const runs = await handled.until(4);
    expect(runs.map(({ subject, wildcards }) => [subject, ...wildcards]).sort()).toEqual([
      ["a.last", "last"],
      ["a.x", "x"],
      ["b.c"],
      ["d.y.z", "y.z"],
    ]);
    expect(new Set(runs.map(({ id }) => id)).size).toBe(4);
  });

  it("answer on each, until a save leaves one out", async () => {
    const app = await stage.start({ handlers: { "ask.js": telling(["ask.one", "ask.two.*"], "request") } });
    expect((await stage.client.ask("ask.two.x", { n: 1 })).value).toEqual({ subject: "ask.two.x", wildcards: ["x"] });
    expect((await stage.client.ask("ask.one", { n: 1 })).value).toEqual({ subject: "ask.one", wildcards: [] });
    await app.after(() => app.project.write("ask.js", telling(["ask.one"], "request")), "handler.unbound", {
      subject: "ask.one, ask.two.*",
    });
    await expect(stage.client.ask("ask.two.x", { n: 1 })).rejects.toThrow(/no responders/i);
    expect((await stage.client.ask("ask.one", { n: 1 })).code).toBe(0);
  });

  it("refuse to share a request's subject with another handler, whichever of theirs it is", async () => {
    const handlers = {
      "one.js": telling(["ask.a", "ask.b"], "request"),
      "two.js": telling(["ask.c", "ask.*"], "request"),
    };
    const project = createProject(handlers);
    try {
      const checked = await cli(["check"], project.rootDir);
      expect(checked.code).toBe(1);
      expect(checked.stdout).toMatch(/"ask\.c" and "ask\.\*", which overlap/);
      project.write("two.js", telling(["ask.c", "ask.b"], "request"));
      expect((await cli(["check"], project.rootDir)).stdout).toMatch(/would both answer the same requests/);
    } finally {
      project.end();
    }
  });
});
