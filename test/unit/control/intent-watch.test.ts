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
  let open: () => Promise<IntentStore> = async () => bucket.store;
  const watch = new IntentWatch({
    open: () => open(),
    replica: { instance: "one", host: "here", pid: 1, startedAtMs: 0 },
    clock,
    onIntent: (name, disabled) => told.push(`${name} ${disabled === undefined ? "on" : `off: ${disabled.reason}`}`),
    onLost: () => told.push("lost"),
    onBack: () => told.push("back"),
  });
  await watch.start();
  return {
    bucket,
    clock,
    told,
    watch,
    opens(next: () => Promise<IntentStore>) {
      open = next;
    },
  };
}

describe("a replica that watches intents", () => {
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

  it("takes an intent whose end came while nobody ran as over", async () => {
    const bucket = fakeBucket("one");
    bucket.put("save", intentText({ untilMs: 1_000 }));
    const { told } = await watching(bucket);
    expect(told[0]).toBe("save on");
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
    expect(told.slice(1).sort()).toEqual(["back", "list on", "save off: slow"]);
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

  it("leaves no timer when it is closed", async () => {
    const { bucket, clock, watch } = await watching();
    bucket.put("save", intentText({ untilMs: clock.nowMs() + HOUR_MS }));
    watch.close();
    expect(clock.pending).toBe(0);
  });
});
