// What handlers do to others: publish and request, and how that can fail.

import { jetstreamManager } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const MOST_GROWTH = 100 * 1024 ** 2;
const stage = useStage();

async function startCaller() {
  await stage.start({ handlers: { "caller.ts": fixture("calls-others.ts") } });
  return async (what: string) => (await stage.client.ask("effects.call", JSON.stringify(what))).value;
}

it("a typed event is published as JSON with its headers", async () => {
  const call = await startCaller();
  const saved = await stage.client.collect("effects.saved");
  expect(await call("typed")).toEqual({ ok: null });
  expect(await saved.until(1)).toEqual([{ id: 7 }]);
  expect(saved.messages[0]?.headers?.values("X-Tag")).toEqual(["one", "two"]);
});

it("a request gives the reply, or an error that says which: nobody there, too late, refused", async () => {
  const call = await startCaller();
  const { connection } = stage.client;
  connection.subscribe("effects.slow", { callback: () => {} });
  connection.subscribe("effects.answers", {
    callback(_error, message) {
      if (message.json<{ ok: boolean }>().ok) return void message.respond(JSON.stringify({ yes: 1 }));
      const headers = createHeaders();
      headers.set("Nats-Service-Error-Code", "409");
      headers.set("Nats-Service-Error", "already there");
      message.respond("", { headers });
    },
  });
  await connection.flush();
  expect(await call("good")).toEqual({ ok: { yes: 1 } });
  expect(await call("nobody")).toMatchObject({ code: 503, message: expect.stringContaining("effects.nobody") });
  expect(await call("slow")).toMatchObject({ code: 504, message: expect.stringContaining("150 ms") });
  expect(await call("refused")).toMatchObject({ code: 409, message: expect.stringContaining("already there") });
});

it("an error code that is no code comes as 500, and the supervisor goes on", async () => {
  const call = await startCaller();
  const codes = ["99999", "-1", "1e99", "many", "1.5"];
  stage.client.connection.subscribe("effects.answers", {
    callback(_error, message) {
      const headers = createHeaders();
      headers.set("Nats-Service-Error-Code", codes.shift() ?? "");
      message.respond("{}", { headers });
    },
  });
  await stage.client.flush();
  for (let left = codes.length; left > 0; left--) expect(await call("good")).toMatchObject({ code: 500 });
  expect(await call("good")).toEqual({ ok: {} });
});

it("what cannot be published is refused, with the reason", async () => {
  const call = await startCaller();
  for (const [what, says] of [
    ["wildcard", /wildcards/],
    ["spaces", /spaces/],
    ["header", /Nats-/],
    ["lines", /line breaks/],
    ["large", /max_payload/],
    ["bigint", /BigInt/],
  ] as const) {
    expect([what, await call(what)]).toEqual([what, expect.objectContaining({ message: expect.stringMatching(says) })]);
  }
  expect(await call("typed")).toEqual({ ok: null });
});

it("a publish nobody awaits is sent before the delivery counts as returned", async () => {
  await stage.start({ handlers: { "quick.ts": fixture("publishes-and-returns.ts") } });
  const out = await stage.client.collect<number>("unawaited.out");
  for (let n = 1; n <= 50; n++) {
    await stage.client.ask("unawaited.start", n);
    // Both go to this one connection, in the order in which the server got them.
    expect(out.values.length).toBe(n);
  }
});

it("a publish nobody awaits that fails makes the delivery fail", async () => {
  const app = await stage.start({ handlers: { "large.ts": fixture("publishes-too-much.ts") } });
  const failed = await app.after(() => stage.client.publish("unawaited.large"), "delivery.failed");
  expect(failed.error.message).toContain("max_payload");
});

it("a publish nobody awaits that fails makes the delivery fail at once, however long others are on their way", async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  // Never says that it has stored something.
  await jsm.streams.add({ name: "MUTE", subjects: ["effects.mute"], no_ack: true });
  const app = await stage.start({ handlers: { "two.ts": fixture("publishes-twice.ts") } });
  const failed = await app.after(() => stage.client.publish("effects.two"), "delivery.failed");
  expect(failed.outcome).toBe("threw");
  expect(failed.error.message).toContain("max_payload");
});

it("a publish whose failure the author caught does not make the delivery fail", async () => {
  await startCaller();
  // The caller catches it and replies: a good reply, not an error.
  const answer = await stage.client.ask("effects.call", JSON.stringify("large"));
  expect(answer.code).toBe(0);
});

it("100,000 publishes nobody awaits do not grow the supervisor without bound, and a neighbour answers", async () => {
  const app = await stage.start({
    handlers: { "flood.ts": fixture("floods-publishes.ts"), "echo.ts": fixture("echoes.ts") },
  });
  // Nobody subscribes: the messages end at the server, and this process is the supervisor alone.
  const rssBefore = process.memoryUsage().rss;
  let most = 0;
  let isFlooding = true;
  let answers = 0;
  const returned = stage.client.ask("flood.start", 100_000).finally(() => {
    isFlooding = false;
  });
  while (isFlooding) {
    expect((await stage.client.ask("echo", 1)).value).toBe(1);
    if (isFlooding) answers++;
    most = Math.max(most, process.memoryUsage().rss - rssBefore);
  }
  expect((await returned).code).toBe(0);
  expect(app.told("delivery.failed")).toEqual([]);
  // 130 MB are published: held in the supervisor they would show.
  expect(most).toBeLessThan(MOST_GROWTH);
  // How soon it answers is the bench's to say (`npm run bench isolation`): here, that it goes on answering.
  expect(answers).toBeGreaterThan(5);
});

it("two handlers that feed each other in a circle are stopped by the hop limit", async () => {
  const app = await stage.start({
    handlers: {
      "ping.ts": fixture("passes-on.ts", { FROM: "ping", TO: "pong" }),
      "pong.ts": fixture("passes-on.ts", { FROM: "pong", TO: "ping" }),
    },
    config: { maxHops: 6 },
  });
  const passed = await stage.client.collect<number>("circle.passed");
  const stopped = await app.after(() => stage.client.publish("circle.ping", 1), "delivery.failed");
  expect(stopped.outcome).toBe("too-many-hops");
  expect(stopped.error.code).toBe("TOO_MANY_HOPS");
  await stage.client.flush();
  expect(passed.values).toEqual([1, 2, 3, 4, 5, 6]);
});
