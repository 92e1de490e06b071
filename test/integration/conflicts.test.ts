// Two handlers that cannot both be: a loud error that names both files, and everybody else runs on.
// @module-tag any-server

import { expect, it } from "vitest";
import { fixture } from "../support/project.ts";
import { shown, useStage } from "../support/runtime.ts";

const stage = useStage();
const answering = (version: string, subject: string) =>
  fixture("answers-version.ts", { VERSION: version, SUBJECT: subject });
const script = (version: string, subject: string) =>
  `export const metadata = { subject: "${subject}", kind: "request" };\nexport default () => "${version}";\n`;
const value = async (subject: string) => (await stage.client.ask(subject)).value;

it("two files of one name are an error that names both; what served goes on, and one of them serves when the other goes", async () => {
  const app = await stage.start({
    handlers: { "a/b.ts": answering("ts", "twins"), "neighbour.ts": answering("n", "neighbour") },
  });
  const save = () => app.project.write("a/b.js", script("js", "twins"));
  const failed = await app.after(save, "handler.failed", { handler: "a/b" });
  expect(failed.error.code).toBe("NAME_CONFLICT");
  expect(shown(failed)).toMatch(/handlers\/a\/b\.js and handlers\/a\/b\.ts/);
  expect(failed.serving).toBe(app.status("a/b").version);
  expect([await value("twins"), await value("neighbour")]).toEqual(["ts", "n"]);
  await app.after(() => app.project.remove("a/b.ts"), "handler.serving", { handler: "a/b" });
  expect(await value("twins")).toBe("js");
});

it("two files of one name at the start: neither serves until one goes, and the rest does", async () => {
  const app = await stage.start({
    handlers: {
      "b.ts": answering("ts", "twins"),
      "b.mjs": script("mjs", "twins"),
      "neighbour.ts": answering("n", "neighbour"),
    },
  });
  expect(app.told("handler.failed").map(({ error }) => error.code)).toEqual(["NAME_CONFLICT"]);
  await expect(stage.client.ask("twins")).rejects.toThrow(/no responders/i);
  expect(await value("neighbour")).toBe("n");
  await app.after(() => app.project.remove("b.ts"), "handler.serving", { handler: "b" });
  expect(await value("twins")).toBe("mjs");
});

it("of two request handlers on overlapping subjects the first serves, and the second when the subject is free", async () => {
  const app = await stage.start({ handlers: { "first.ts": answering("first", "shop.*") } });
  const add = () => app.project.write("second.ts", answering("second", "shop.orders"));
  const failed = await app.after(add, "handler.failed", { handler: "second" });
  expect(failed.error.code).toBe("SUBJECT_CONFLICT");
  expect(shown(failed)).toMatch(/handlers\/first\.ts, "shop\.\*".*handlers\/second\.ts, "shop\.orders"/);
  expect(await value("shop.orders")).toBe("first");
  const move = () => app.project.write("first.ts", answering("first", "store.*"));
  await app.after(move, "handler.serving", { handler: "second" });
  expect([await value("shop.orders"), await value("store.x")]).toEqual(["second", "first"]);
  // And the other way: the file that holds the subject goes.
  await app.after(() => app.project.write("first.ts", answering("first", "shop.>")), "handler.failed");
  expect([await value("shop.orders"), await value("store.x")]).toEqual(["second", "first"]);
  await app.after(() => app.project.remove("second.ts"), "handler.serving", { handler: "first" });
  expect(await value("shop.a.b")).toBe("first");
});

it("an event handler on the same subject is no conflict", async () => {
  const app = await stage.start({
    handlers: {
      "asks.ts": answering("answer", "both"),
      "hears.ts": fixture("counts.ts").replace('"neighbour"', '"both"'),
    },
  });
  expect(app.told("handler.failed")).toEqual([]);
  const heard = await stage.client.collect<number>("handled.neighbour");
  expect((await stage.client.ask("both", 1)).value).toBe("answer");
  expect(await heard.until(1)).toEqual([1]);
});

it("a version that does not come up holds no subject; the one that serves keeps its own", async () => {
  const app = await stage.start({ handlers: { "first.ts": answering("first", "shop.a") } });
  const failing = fixture("throws-in-setup.ts").replace('"good"', '"shop.b"');
  await app.after(() => app.project.write("first.ts", failing), "handler.failed", { handler: "first" });
  const take = (subject: string) => app.project.write("second.ts", answering("second", subject));
  const refused = await app.after(() => take("shop.a"), "handler.failed", { handler: "second" });
  expect(refused.error.code).toBe("SUBJECT_CONFLICT");
  await app.after(() => take("shop.b"), "handler.serving", { handler: "second" });
  expect([await value("shop.a"), await value("shop.b")]).toEqual(["first", "second"]);
});

it("a request handler whose file is renamed goes on answering: no conflict with the file that is gone, and no gap", async () => {
  const app = await stage.start({ handlers: { "ed.ts": answering("same", "renamed") } });
  const serving = app.next("handler.serving", { handler: "Ed" });
  const removed = app.next("handler.removed", { handler: "ed" });
  let isOver = false;
  const asking = (async () => {
    const answers: unknown[] = [];
    while (!isOver) answers.push(await value("renamed"));
    return answers;
  })();
  app.project.rename("ed.ts", "Ed.ts");
  await Promise.all([serving, removed]);
  isOver = true;
  expect(new Set(await asking)).toEqual(new Set(["same"]));
  expect(await value("renamed")).toBe("same");
  expect(app.told("handler.failed")).toEqual([]);
});
