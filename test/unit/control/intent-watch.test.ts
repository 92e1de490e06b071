// A bucket made of a map: what a replica does as intents come, end, and get lost.

import { describe, expect, it } from "vitest";
import type { IntentStore, KeptIntent } from "../../../runtime/control/intent-store.ts";
import { IntentWatch } from "../../../runtime/control/intent-watch.ts";
import { RuntimeError } from "../../../runtime/errors.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;

/** As much of a bucket as a watch uses. */
function fakeBucket(bucket: string) {
  const entries = new Map<string, KeptIntent>();
  const watchers = new Set<(kept: KeptIntent) => void>();
  let last = 0;
  let deaf = false;
  const put = (name: string, text: string) => {
    const kept = { name, text, revision: ++last };
    entries.set(name, kept);
    if (!deaf) for (const tell of watchers) tell(kept);
  };
  const store: Partial<IntentStore> = {
    bucket,
    read: async () => [...entries.values()],
    state: async () => ({ bucket, lastRevision: last }),
    putAfter: async (name, text, revision) => {
      if ((entries.get(name)?.revision ?? 0) !== revision) return false;
      put(name, text);
      return true;
    },
    watch: async (tell) => {
      for (const kept of entries.values()) tell(kept);
      watchers.add(tell);
      return { close: () => watchers.delete(tell) };
    },
  };
  const deafen = () => {
    deaf = true;
  };
  return { store: store as IntentStore, put, entries, deafen };
}

function intentText(rest: object = {}): string {
  return JSON.stringify({ disabled: true, by: "ana", reason: "slow", sinceMs: 1, now: false, ...rest });
}

async function watching(bucket = fakeBucket("one")) {
  const clock = fakeClock();
  const told: string[] = [];
  const enabled: string[] = [];
  let open: () => Promise<IntentStore> = async () => bucket.store;
  const watch = new IntentWatch({
    open: () => open(),
    replica: { instance: "one", host: "here", pid: 1, startedAtMs: 0 },
    clock,
    nowMs: () => clock.nowMs(),
    onIntent: (name, { disabled, slowStart }) => {
      const slowly = slowStart?.first === undefined ? "" : `, ${slowStart.first.left} left`;
      told.push(`${name} ${disabled === undefined ? "on" : `off: ${disabled.reason}`}${slowly}`);
    },
    onRollback: (name, rollback) => void told.push(`${name} ${rollback === undefined ? "its own" : rollback.to}`),
    onEnabled: (name) => void enabled.push(name),
    onLost: () => told.push("lost"),
    onBack: () => told.push("back"),
    onReplaced: (off) => told.push(`replaced: ${off.join()}`),
  });
  await watch.start();
  return {
    bucket,
    clock,
    told,
    enabled,
    watch,
    opens(next: () => Promise<IntentStore>) {
      open = next;
    },
  };
}

describe("a replica that watches intents", () => {
  it("tells a rollback apart from what is off, and takes it along into a bucket made anew", async () => {
    const bucket = fakeBucket("one");
    const said = { disabled: false, to: "v1", from: ["v2"], by: "ana", reason: "", sinceMs: 1 };
    bucket.put("/rollback/save", JSON.stringify(said));
    bucket.put("save", intentText());
    const { told, enabled, watch, opens } = await watching(bucket);
    expect([...new Set(told)].sort()).toEqual(["save off: slow", "save v1"]);
    const second = fakeBucket("two");
    bucket.store.state = () => Promise.reject(new Error("stream not found"));
    opens(async () => second.store);
    told.length = 0;
    await watch.check();
    expect(JSON.parse(second.entries.get("/rollback/save")?.text ?? "")).toEqual(said);
    expect(told).toContain("replaced: save,save");
    second.put("/rollback/save", JSON.stringify({ ...said, to: undefined }));
    expect(told.at(-1)).toBe("save its own");
    expect(enabled).toEqual([]);
  });

  it("knows all there are before it serves, and follows what comes", async () => {
    const bucket = fakeBucket("one");
    bucket.put("save", intentText());
    const { told } = await watching(bucket);
    expect(told).toContain("save off: slow");
    bucket.put("save", intentText({ disabled: false }));
    expect(told.at(-1)).toBe("save on");
  });

  it("turns a handler on at its end, also one that is months away, and says so in the bucket (I2)", async () => {
    const { bucket, clock, told } = await watching();
    bucket.put("save", intentText({ untilMs: clock.nowMs() + 60 * 24 * HOUR_MS }));
    for (let day = 0; day < 59; day++) clock.advance(24 * HOUR_MS);
    expect(told).toEqual(["save off: slow"]);
    clock.advance(24 * HOUR_MS);
    expect(told.at(1)).toBe("save on");
    await Promise.resolve();
    expect(bucket.entries.get("save")?.text).toContain('"disabled":false');
  });

  it("does not bring up an end that was put off meanwhile", async () => {
    const { bucket, clock, told } = await watching();
    bucket.put("save", intentText({ untilMs: clock.nowMs() + 1_000 }));
    bucket.put("save", intentText({ untilMs: clock.nowMs() + 9_000 }));
    clock.advance(8_000);
    expect(told).toEqual(["save off: slow", "save off: slow"]);
  });

  it("hears who is enabled since its start, and takes no old word nor the end of an intent for one (I5)", async () => {
    const bucket = fakeBucket("one");
    const on = JSON.stringify({ disabled: false, by: "ana", reason: "", sinceMs: 1, now: false });
    bucket.put("before", on);
    const { enabled, watch, clock } = await watching(bucket);
    bucket.put("a", on);
    bucket.put("b", intentText({ untilMs: clock.nowMs() + 1_000 }));
    clock.advance(1_000);
    await expect.poll(() => bucket.entries.get("b")?.text).toContain('"disabled":false');
    await watch.take("c", on);
    bucket.put("d", intentText());
    expect(new Set(enabled)).toEqual(new Set(["a", "c"]));
  });

  it("follows how many of a handler's first messages are left, and keeps that when the bucket is lost (I1)", async () => {
    const { bucket, told, watch, opens } = await watching();
    const left = (count: number) =>
      intentText({ disabled: false, first: { count: 5, left: count, saidMs: 1 }, sinceMs: 1 });
    bucket.put("save", left(5));
    bucket.put("save", left(2));
    expect(told).toEqual(["save on, 5 left", "save on, 2 left"]);
    const next = fakeBucket("two");
    opens(async () => next.store);
    Object.assign(bucket.store, { state: () => Promise.reject(new RuntimeError("NATS_UNREACHABLE", "away")) });
    await watch.check();
    expect(next.entries.get("save")?.text).toBe(left(2));
    expect(told).toContain("replaced: ");
  });

  it("has nothing counted while what was said is not written down (I4)", async () => {
    const { bucket, watch } = await watching();
    const first = { count: 5, left: 5, saidMs: 1 };
    const away = () => Promise.reject(new RuntimeError("NATS_UNREACHABLE", "away"));
    Object.assign(bucket.store, { putAfter: away, letThrough: async () => 3 });
    expect(await watch.letThrough("save", first, 3)).toBe(3);
    await watch.take("save", intentText({ disabled: false, first }));
    await expect(watch.letThrough("save", first, 3)).rejects.toThrow(/cannot be written now/);
  });

  it("takes an intent whose end came while nobody ran as over", async () => {
    const bucket = fakeBucket("one");
    bucket.put("save", intentText({ untilMs: 1_000 }));
    const { told } = await watching(bucket);
    expect(told[0]).toBe("save on");
  });

  it("writes what it was told while the bucket was away into the same bucket, once that answers again (I4)", async () => {
    const { bucket, told, watch, opens } = await watching();
    bucket.put("save", intentText({ disabled: false }));
    const { state, putAfter } = bucket.store;
    const away = () => Promise.reject(new RuntimeError("NATS_UNREACHABLE", "away"));
    Object.assign(bucket.store, { state: away, putAfter: away });
    told.length = 0;
    await watch.take("save", intentText({ reason: "told" }));
    // It answers first when it is opened anew, and is the one of before.
    opens(async () => Object.assign(bucket.store, { state, putAfter }));
    await watch.check();
    expect(bucket.entries.get("save")?.text).toContain('"reason":"told"');
    expect(told.filter((line) => !line.startsWith("save off: told"))).toEqual([]);
  });

  it("goes by the last known intents while the bucket is gone, and writes them into the next one (I1)", async () => {
    const { bucket, told, watch, opens } = await watching();
    bucket.put("save", intentText());
    bucket.put("audit", intentText({ disabled: false }));
    bucket.put("list", intentText());
    told.length = 0;
    const second = fakeBucket("two");
    second.put("list", intentText({ disabled: false }));
    opens(async () => {
      throw new RuntimeError("NATS_UNREACHABLE", "gone");
    });
    bucket.store.state = () => Promise.reject(new Error("stream not found"));
    await watch.check();
    await watch.check();
    expect(told).toEqual(["lost"]);
    opens(async () => second.store);
    await watch.check();
    expect([...second.entries.keys()].sort()).toEqual(["list", "save"]);
    expect(told.slice(1).sort()).toEqual(["back", "list on", "replaced: save", "save off: slow"]);
  });

  it("notices that its watch has gone deaf (I3)", async () => {
    const { bucket, told, watch } = await watching();
    bucket.deafen();
    bucket.put("save", intentText());
    expect(told).toEqual([]);
    await watch.check();
    expect(told).toEqual(["save off: slow"]);
    await watch.check();
    expect(told).toHaveLength(1);
  });

  it("goes by a word that whoever has stored it tells, once, and by nothing older that the bucket tells later (I3)", async () => {
    const { bucket, told, watch } = await watching();
    const on = intentText({ disabled: false });
    bucket.put("save", on);
    bucket.deafen();
    bucket.put("save", intentText());
    const mark = { bucket: "one", name: "save", revision: 2 };
    watch.hear(mark, intentText());
    watch.hear(mark, intentText());
    watch.hear({ ...mark, revision: 1 }, on);
    watch.hear({ ...mark, bucket: "another", revision: 9 }, on);
    expect(told).toEqual(["save on", "save off: slow"]);
  });

  it("goes by what it is told while the bucket takes nothing, writes it down when it does, and gives way to what is newer (I4)", async () => {
    const { bucket, told, watch } = await watching();
    bucket.put("save", intentText({ disabled: false }));
    const { putAfter } = bucket.store;
    bucket.store.putAfter = () => Promise.reject(new RuntimeError("NATS_UNREACHABLE", "no leader"));
    await watch.take("save", intentText());
    await watch.take("list", intentText());
    expect(told).toEqual(["save on", "save off: slow", "list off: slow"]);
    // A watch that is set up anew tells what stood before.
    await watch.check();
    expect(told.filter((line) => line === "save on")).toHaveLength(1);
    bucket.put("list", intentText({ disabled: false }));
    expect(told.at(-1)).toBe("list on");
    bucket.store.putAfter = putAfter;
    await watch.check();
    expect(bucket.entries.get("save")).toMatchObject({ text: intentText(), revision: 3 });
    expect(bucket.entries.get("list")?.text).toContain('"disabled":false');
  });

  it("leaves no timer when it is closed", async () => {
    const { bucket, clock, watch } = await watching();
    bucket.put("save", intentText({ untilMs: clock.nowMs() + HOUR_MS }));
    watch.close();
    expect(clock.pending).toBe(0);
  });
});
