import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../runtime/bundle/bundle.ts";
import type { Bundler } from "../../../runtime/bundle/bundler.ts";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import { handlerOfRollback, readRollback, rollbackName, saidRollback } from "../../../runtime/versions/rollback.ts";
import { Rollbacks } from "../../../runtime/versions/rollbacks.ts";
import { metadataOf } from "./kept.ts";

const FILE = { name: "save", path: "/app/handlers/save.ts", displayPath: "handlers/save.ts" };
const WORD = { to: "v1", from: ["v2"], by: "ana", reason: "doubles", sinceMs: 5 };

/** Stories build it themselves. */
const atTheNextBuild = async () => undefined;

function stage() {
  let builds = "v2";
  const retired: string[] = [];
  const removed: string[] = [];
  const told: RuntimeEvent[] = [];
  const bundler = {
    async build({ name }) {
      const of = { handler: name, version: builds, path: `/build/${builds}`, preload: [], companions: [] };
      return { ok: true, bundle: { ...of, inputs: [FILE.path], sizeBytes: 1 }, warnings: [] };
    },
    retire: async ({ version }: Bundle) => void retired.push(version),
  } as Partial<Bundler> as Bundler;
  const rollbacks = new Rollbacks({
    async layOut(_, version) {
      if (version === "gone") throw new RuntimeError("VERSION_NOT_KEPT", "it is not kept");
      const remove = async () => void removed.push(version);
      return { path: `/kept/${version}`, preload: [], sizeBytes: 2, metadata: metadataOf("kept"), remove };
    },
    emit: (event) => void told.push(event),
  });
  const over = rollbacks.over(bundler);
  return {
    rollbacks,
    over,
    retired,
    removed,
    told,
    saves(version: string) {
      builds = version;
    },
    async serves() {
      const built = await over.build(FILE);
      return built.ok ? built.bundle : built.error;
    },
  };
}

describe("a version that may be tried", () => {
  it("is the replica's own, unless an operator has had it back from a rollback", async () => {
    const { rollbacks, serves, saves } = stage();
    expect(rollbacks.isOnItsOwn((await serves()) as Bundle)).toBe(true);
    rollbacks.say("save", WORD, atTheNextBuild);
    expect(rollbacks.isOnItsOwn((await serves()) as Bundle)).toBe(false);
    rollbacks.say("save", undefined, atTheNextBuild);
    expect(rollbacks.isOnItsOwn((await serves()) as Bundle)).toBe(false);
    saves("v3");
    expect(rollbacks.isOnItsOwn((await serves()) as Bundle)).toBe(true);
  });

  it("is led away from beside those that are already", () => {
    const { rollbacks } = stage();
    expect(rollbacks.fromWith("save", "v3")).toEqual(["v3"]);
    rollbacks.say("save", WORD, atTheNextBuild);
    expect(rollbacks.fromWith("save", "v3")).toEqual(["v2", "v3"]);
  });
});

describe("a handler that is rolled back", () => {
  it("the same word again disturbs nothing, and is in force with the first: what comes up by it is waited for", async () => {
    const { rollbacks } = stage();
    const starts: (() => void)[] = [];
    const bringUp = () => new Promise<void>((resolve) => starts.push(resolve));
    const inForce: string[] = [];
    const first = rollbacks.say("save", WORD, bringUp).then(() => inForce.push("first"));
    const again = rollbacks.say("save", { ...WORD }, bringUp).then(() => inForce.push("again"));
    await new Promise((resolve) => setImmediate(resolve));
    expect([starts.length, inForce]).toEqual([1, []]);
    starts[0]!();
    await Promise.all([first, again]);
    expect(inForce).toEqual(["first", "again"]);
    const back = rollbacks.say("save", undefined, bringUp);
    expect(starts).toHaveLength(2);
    starts[1]!();
    await back;
    await rollbacks.say("save", undefined, bringUp);
    expect(starts).toHaveLength(2);
  });

  it("serves the kept version in place of its own, and is watched as before", async () => {
    const { rollbacks, over, serves, retired, removed } = stage();
    rollbacks.say("save", WORD, atTheNextBuild);
    const bundle = (await serves()) as Bundle;
    expect(bundle).toMatchObject({ version: "v1", path: "/kept/v1", inputs: [FILE.path] });
    expect(retired).toEqual(["v2"]);
    expect(rollbacks.metadataOf(bundle)?.subjects).toEqual(["kept"]);
    expect(rollbacks.standingOf("save")).toEqual({ own: "v2", rollback: WORD });
    await over.retire(bundle);
    expect(removed).toEqual(["v1"]);
    expect(rollbacks.metadataOf(bundle)).toBeUndefined();
  });

  it("serves its own once that is another build than was rolled back from, and the kept one when it is that again (R1)", async () => {
    const { rollbacks, serves, saves, told } = stage();
    rollbacks.say("save", WORD, atTheNextBuild);
    await serves();
    saves("v3");
    expect(await serves()).toMatchObject({ version: "v3", path: "/build/v3" });
    expect(rollbacks.standingOf("save").rollback).toBeUndefined();
    saves("v2");
    expect(await serves()).toMatchObject({ version: "v1" });
    expect(told.map(({ type }) => type)).toEqual([
      "handler.rolled-back",
      "handler.rollback-over",
      "handler.rolled-back",
    ]);
    expect(told[1]).toMatchObject({ why: "another-build", version: "v3" });
  });

  it("serves its own when the word is taken back; each is told once", async () => {
    const { rollbacks, serves, told } = stage();
    rollbacks.say("save", WORD, atTheNextBuild);
    await serves();
    rollbacks.say("save", { ...WORD }, atTheNextBuild);
    await serves();
    rollbacks.say("save", undefined, atTheNextBuild);
    expect(await serves()).toMatchObject({ version: "v2" });
    await serves();
    expect(told).toEqual([
      { type: "handler.rolled-back", handler: "save", version: "v1", from: "v2", by: "ana", reason: "doubles" },
      { type: "handler.rollback-over", handler: "save", version: "v2", why: "taken-back" },
    ]);
  });

  it("to a version that is not kept has a build that failed: what serves goes on", async () => {
    const { rollbacks, serves, retired } = stage();
    rollbacks.say("save", { ...WORD, to: "gone" }, atTheNextBuild);
    expect(await serves()).toMatchObject({ code: "VERSION_NOT_KEPT" });
    expect(retired).toEqual(["v2"]);
  });

  it("is none of another handler's business", async () => {
    const { rollbacks, serves, told } = stage();
    rollbacks.say("other", WORD, atTheNextBuild);
    expect(await serves()).toMatchObject({ version: "v2" });
    expect(told).toEqual([]);
  });
});

describe("the word of a rollback", () => {
  it("is read as it is said, and a word taken back is none", () => {
    expect(readRollback(JSON.stringify(saidRollback(WORD)))).toEqual(WORD);
    expect(readRollback(JSON.stringify(saidRollback({ by: "ana", reason: "", sinceMs: 1 })))).toBeUndefined();
    for (const text of [undefined, "", "{", '{"to":1}']) expect(readRollback(text)).toBeUndefined();
  });

  it("has a name that is no handler's", () => {
    expect(handlerOfRollback(rollbackName("todo/save"))).toBe("todo/save");
    expect(handlerOfRollback("rollback/todo/save")).toBeUndefined();
  });
});
