// A save that does not come up changes nothing but the log: the last good version serves on, and so does everybody else.
// @module-tag any-server

import { expect, it } from "vitest";
import type { TestClient } from "../support/client.ts";
import { fixture } from "../support/project.ts";
import { shown, type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();
const SHORT = { startTimeout: "1500ms" } as const;

const answering = (version: string, subject = "good") =>
  fixture("answers-version.ts", { VERSION: version, SUBJECT: subject });

const BAD = [
  {
    name: "broken/has-a-syntax-error.ts",
    code: "BUNDLE_FAILED",
    place: { file: "handlers/good.ts", line: 3 },
    says: [/Unterminated string/, /return "unfinished;/],
  },
  {
    name: "throws-at-import.ts",
    code: "HANDLER_LOAD_FAILED",
    place: { file: "handlers/good.ts", line: 4 },
    says: [/no settings at hand/, /throw new Error/],
  },
  {
    name: "loops-at-import.ts",
    code: "HANDLER_LOAD_TIMED_OUT",
    place: { file: "handlers/good.ts" },
    says: [/evaluating its top level after 1500 ms/, /endless loop/],
  },
  {
    name: "exits-at-import.ts",
    code: "HANDLER_LOAD_FAILED",
    place: { file: "handlers/good.ts" },
    says: [/exit code 7 while being imported/],
  },
  {
    name: "exports-as-commonjs.ts",
    code: "HANDLER_LOAD_FAILED",
    place: { file: "handlers/good.ts", line: 4 },
    says: [/module is not defined/, /rename it to \.cjs/],
  },
  {
    name: "has-no-default-export.ts",
    code: "METADATA_INVALID",
    place: { file: "handlers/good.ts" },
    says: [/has no default export/, /export default \(event, ctx\)/],
  },
  {
    name: "has-bad-metadata.ts",
    code: "METADATA_INVALID",
    place: { file: "handlers/good.ts" },
    says: [
      /4 problems/,
      /good\.ts:2:\d+: metadata\.subject must/,
      /good\.ts:3:\d+: metadata\.kind must .*"requst"/,
      /good\.ts:4:\d+: metadata\.timeout must .*"soon"/,
      /good\.ts:5:\d+: metadata\.concurency .*concurrency/,
    ],
  },
  {
    name: "misses-a-package.ts",
    code: "BUNDLE_FAILED",
    place: { file: "handlers/good.ts", line: 1 },
    says: [/left-pad-of-nobody/, /npm install left-pad-of-nobody/],
  },
  {
    name: "misses-its-environment.ts",
    code: "HANDLER_ENV_MISSING",
    place: { file: "handlers/good.ts" },
    says: [/needs SHOP_API_KEY/, /Set it where the runtime is started/],
  },
  {
    name: "throws-in-setup.ts",
    code: "HANDLER_SETUP_FAILED",
    place: { file: "handlers/good.ts", line: 4 },
    says: [/TypeError: the database is not there/],
  },
  {
    name: "hangs-in-setup.ts",
    code: "HANDLER_LOAD_TIMED_OUT",
    place: { file: "handlers/good.ts" },
    says: [/`setup` after 1500 ms/],
  },
] as const;

async function expectAnswers(client: TestClient, good: string): Promise<void> {
  expect((await client.ask("good")).value).toBe(good);
  expect((await client.ask("neighbour")).value).toBe("neighbour");
}

function start(good: string): Promise<TestRuntime> {
  const handlers = { "good.ts": good, "neighbour.ts": answering("neighbour", "neighbour") };
  return stage.start({ handlers, config: SHORT });
}

for (const { name, code, place, says } of BAD) {
  const what = name.replace(/^broken\/|\.ts$/g, "").replaceAll("-", " ");

  it(`a save that ${what} leaves the last good version serving, and the next good one serves`, async () => {
    const app = await start(answering("good"));
    const { version, pids } = app.status("good");
    const save = () => app.project.write("good.ts", fixture(name));
    const failed = await app.after(save, "handler.failed", { handler: "good" });
    expect(failed).toMatchObject({ serving: version, error: { code, handler: "good", place } });
    for (const part of says) expect(shown(failed)).toMatch(part);
    await expectAnswers(stage.client, "good");
    expect(app.status("good")).toMatchObject({ state: "serving", version, pids, lastFailure: failed.error });
    await app.after(() => app.project.write("good.ts", answering("better")), "handler.serving", { handler: "good" });
    await expectAnswers(stage.client, "better");
    expect(app.status("good").lastFailure).toBeUndefined();
  });
}

it("at the first start too, each bad handler fails alone, and serves once it is mended", async () => {
  const handlers = Object.fromEntries(
    BAD.map(({ name }, at) => [`bad${at}.ts`, fixture(name).replace('"good"', `"bad.${at}"`)]),
  );
  const neighbour = answering("neighbour", "neighbour");
  const app = await stage.start({ handlers: { ...handlers, "neighbour.ts": neighbour }, config: SHORT });
  expect((await stage.client.ask("neighbour")).value).toBe("neighbour");
  expect(app.told("runtime.ready")).toMatchObject([{ serving: 1, failed: BAD.length }]);
  for (const [at, { code, place }] of BAD.entries()) {
    const { state, lastFailure } = app.status(`bad${at}`);
    expect([at, ["failed", "backing-off", "restarting"].includes(state)]).toEqual([at, true]);
    const file = `handlers/bad${at}.ts`;
    expect(lastFailure).toMatchObject({ code, place: { ...place, file } });
    const mend = () => app.project.write(`bad${at}.ts`, answering("mended", `mended.${at}`));
    await app.after(mend, "handler.serving", { handler: `bad${at}` });
    expect((await stage.client.ask(`mended.${at}`)).value).toBe("mended");
  }
});

it("going back to the code that serves clears the failure, and starts nothing", async () => {
  const app = await start(answering("good"));
  const { version, pids } = app.status("good");
  const spoil = () => app.project.write("good.ts", fixture("throws-at-import.ts"));
  await app.after(spoil, "handler.failed", { handler: "good" });
  const back = () => app.project.write("good.ts", answering("good"));
  await app.after(back, "handler.serving", { handler: "good" });
  expect(app.status("good")).toMatchObject({ state: "serving", version, pids, lastFailure: undefined });
});

it("a newer save supersedes a candidate that hangs, at once and without a word of it", async () => {
  const handlers = { "good.ts": answering("good"), "neighbour.ts": answering("neighbour", "neighbour") };
  const app = await stage.start({ handlers, config: { startTimeout: "1h" } });
  for (const [at, name] of ["loops-at-import.ts", "hangs-in-setup.ts"].entries()) {
    const hangs = `console.log("hangs now");\n${fixture(name)}`;
    await app.after(() => app.project.write("good.ts", hangs), "handler.output", { line: "hangs now" });
    await expectAnswers(stage.client, at === 0 ? "good" : "better 0");
    const better = () => app.project.write("good.ts", answering(`better ${at}`));
    await app.after(better, "handler.serving", { handler: "good" });
    await expectAnswers(stage.client, `better ${at}`);
  }
  expect(app.told("handler.failed")).toEqual([]);
});

it("a version that ends right after its set-up is started again, and a good save replaces it", async () => {
  const app = await start(answering("good"));
  const save = () => app.project.write("good.ts", fixture("ends-after-setup.ts"));
  await app.after(save, "worker.exited", { handler: "good" });
  const mend = () => app.project.write("good.ts", answering("better"));
  await app.after(mend, "handler.serving", ({ version }) => app.project.built("good", version).includes("better"));
  await expectAnswers(stage.client, "better");
});

it("a bad save at the moment of a crash leaves the last good version to come back", async () => {
  const good = `export const metadata = { subject: "good", kind: "request" };
    export default (what: string) => (what === "exit" ? process.exit(1) : "good");`;
  const app = await start(good);
  const failed = app.next("handler.failed", { handler: "good" });
  const back = app.next("handler.serving", { handler: "good", why: "restart" });
  app.project.write("good.ts", fixture("broken/has-a-syntax-error.ts"));
  process.kill(app.status("good").pids[0] ?? 0, "SIGKILL");
  await failed;
  await back;
  await expectAnswers(stage.client, "good");
});
