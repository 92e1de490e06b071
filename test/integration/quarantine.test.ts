// A handler that keeps dying is set aside, says so, loses no durable message, and comes back in each of three ways.

import { expect, it } from "vitest";
import { run } from "../../runtime/cli/run.ts";
import { COOL_DOWN_MS, hurriedCoolDown, hurriedRestarts } from "../support/hurried-clock.ts";
import { fixture } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";

const stage = useStage();
const BAD = { n: 0, bad: true };
const GOOD = { n: 1, bad: false };

const LOOPING = fixture("crash-loops.ts", { KIND: "request" });
/** On a subject of its own: its stream acknowledges whoever asks there. */
const DURABLE = fixture("crash-loops.ts", { KIND: "durable", '"looping"': '"kept"' });
const mended = (text: string) => text.replace("if (message.bad) process.exit(6);", "");

/** One bad request after the other, until the handler is set aside. */
async function setAside(app: TestRuntime) {
  const from = app.mark();
  const quarantined = app.next("handler.quarantined");
  while (app.told("handler.quarantined", from).length === 0) await stage.client.ask("looping", BAD);
  return quarantined;
}

async function cli(app: TestRuntime, ...args: string[]) {
  const terminal = fakeTerminal({ cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
  const code = await run(args, terminal);
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
}

it("a handler that crash-loops is quarantined and shown so; requests get a 503 that says why, at once; a save brings it back", async () => {
  const app = await stage.start({ handlers: { "looping.ts": LOOPING }, clock: hurriedRestarts });
  expect(await setAside(app)).toMatchObject({ handler: "looping", coolDownMs: COOL_DOWN_MS });
  const from = app.mark();
  const refused = await stage.client.ask("looping", GOOD);
  // At once: no worker was waited for.
  expect(app.told("handler.serving", from)).toEqual([]);
  expect([refused.code, refused.error]).toEqual([503, expect.stringMatching(/quarantined: .*exit code 6/)]);
  expect(app.status("looping")).toMatchObject({ state: "quarantined", pids: [] });
  const { stdout } = await cli(app, "status");
  expect(stdout).toMatch(/looping +quarantined/);
  expect(stdout).toMatch(/exit code 6/);
  const save = () => app.project.write("looping.ts", mended(LOOPING));
  await app.after(save, "handler.serving", { handler: "looping", why: "reload" });
  expect((await stage.client.ask("looping", BAD)).value).toBe(0);
});

it("`handlers enable` brings a quarantined handler back, and its past is forgiven", async () => {
  const app = await stage.start({ handlers: { "looping.ts": LOOPING }, clock: hurriedRestarts });
  await setAside(app);
  const enabled = await cli(app, "enable", "looping");
  expect([enabled.code, enabled.stderr]).toEqual([0, ""]);
  expect(app.status("looping").state).toBe("serving");
  expect((await stage.client.ask("looping", GOOD)).value).toBe(1);
  expect((await stage.client.ask("looping", BAD)).code).toBe(500);
  expect((await stage.client.ask("looping", GOOD)).value).toBe(1);
  expect(app.told("handler.quarantined").length).toBe(1);
});

it("the messages of a quarantined durable handler stay in the stream, and are handled once it is mended", async () => {
  const app = await stage.start({
    handlers: { "looping.ts": DURABLE },
    clock: hurriedRestarts,
    config: { streams: [{ name: "KEPT", subjects: ["kept"] }], defaults: { retry: { backoff: ["100ms"] } } },
  });
  const handled = await stage.client.collect<number>("handled.looping");
  const quarantined = app.next("handler.quarantined");
  for (let n = 0; n < 8; n++) stage.client.publish("kept", { n, bad: true });
  await quarantined;
  for (let n = 8; n < 20; n++) stage.client.publish("kept", { n, bad: false });
  await stage.client.flush();
  expect(app.status("looping")).toMatchObject({ state: "quarantined", inFlight: 0, queued: 0 });
  expect(app.told("delivery.dropped")).toEqual([]);
  const save = () => app.project.write("looping.ts", mended(DURABLE));
  await app.after(save, "handler.serving", { handler: "looping", why: "reload" });
  const all = await handled.when((values) => new Set(values).size === 20);
  expect([...new Set(all)].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
});

it("after the cool-down one message is tried alone, and the others follow when it has done no harm", async () => {
  const app = await stage.start({ handlers: { "looping.ts": fixture("tries-at-a-gate.ts") }, clock: hurriedCoolDown });
  const gate = await stage.client.collect<{ together: number }>("gate");
  await setAside(app);
  await app.next("handler.serving", { why: "restart" }, app.mark());
  const answers = Array.from({ length: 4 }, () => stage.client.ask("looping", GOOD));
  await gate.until(1);
  await stage.client.flush();
  expect(gate.values.length).toBe(1);
  gate.messages[0]?.respond("null");
  await gate.until(4);
  expect(gate.values.map(({ together }) => together)).toEqual([1, 1, 2, 3]);
  for (const message of gate.messages.slice(1)) message.respond("null");
  expect((await Promise.all(answers)).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
});

it("a trial that crashes sets the handler aside again, for twice as long", async () => {
  const app = await stage.start({ handlers: { "looping.ts": LOOPING }, clock: hurriedCoolDown });
  await setAside(app);
  await app.next("handler.serving", { why: "restart" }, app.mark());
  const from = app.mark();
  expect(await setAside(app)).toMatchObject({ coolDownMs: 2 * COOL_DOWN_MS });
  const { code } = await stage.client.ask("looping", GOOD);
  expect([code, app.told("handler.serving", from)]).toEqual([503, []]);
});
