// What a CPU profile becomes on its way to a flame graph.

import { describe, expect, it } from "vitest";
import { moduleAt } from "../../bench/flame/bundle-modules.ts";
import { type CpuProfile, takenBy } from "../../bench/flame/cpu-profile.ts";
import { frameOf } from "../../bench/flame/frame.ts";
import { layOut } from "../../bench/flame/layout.ts";
import { type Stack, shares, stacksOf } from "../../bench/flame/stacks.ts";
import { renderFlame } from "../../bench/output/flame-picture.ts";

const ROOT = new URL("../../../", import.meta.url).href;
const ALWAYS = [{ fromUs: 0, untilUs: 1e9 }];

/** One node for each `[name, children, url]`, numbered from 1, the first the root; sampled every 10 µs. */
function profileOf(
  nodes: readonly (readonly [name: string, children?: readonly number[], url?: string])[],
  samples: readonly number[],
): CpuProfile {
  return {
    nodes: nodes.map(([functionName, children, url = ""], at) => {
      return { id: at + 1, callFrame: { functionName, url, lineNumber: -1 }, children };
    }),
    startTime: 1_000,
    samples,
    timeDeltas: samples.map((_, at) => (at === 0 ? 0 : 10)),
  };
}

const stack = (name: string, selfUs: number, ...children: readonly Stack[]): Stack => {
  const totalUs = children.reduce((sum, child) => sum + child.totalUs, selfUs);
  return { name, place: "", kind: "node", selfUs, totalUs, children };
};

describe("the samples of a profile", () => {
  it("count only within what was measured, each until the next one", () => {
    const profile = profileOf([["(root)", [2]], ["a"]], [2, 2, 2, 2, 2, 2]);
    const spans = [
      { fromUs: 1_010, untilUs: 1_020 },
      { fromUs: 1_040, untilUs: 2_000 },
    ];
    expect(takenBy(profile, spans)).toEqual(new Map([[2, { samples: 3, us: 20 }]]));
  });
});

describe("the stacks of a profile", () => {
  it("are merged where the same function was met twice below the same caller, and nowhere else", () => {
    const nodes = [["(root)", [2, 3]], ["a", [4]], ["a", [5]], ["b"], ["b"]] as const;
    const { outermost, busyUs } = stacksOf(profileOf(nodes, [2, 3, 4, 5, 5, 1]), ALWAYS);
    expect(outermost).toMatchObject([
      { name: "a", selfUs: 20, totalUs: 50, children: [{ name: "b", selfUs: 30, totalUs: 30, children: [] }] },
    ]);
    expect(busyUs).toBe(50);
  });

  it("leave out what was idle, and say how much that was", () => {
    const nodes = [["(root)", [2, 3]], ["(idle)"], ["a"]] as const;
    const stacks = stacksOf(profileOf(nodes, [2, 2, 2, 3, 1]), ALWAYS);
    expect(stacks.outermost.map(({ name }) => name)).toEqual(["a"]);
    expect(stacks).toMatchObject({ idleUs: 30, busyUs: 10, samples: 2 });
  });

  it("tell whose code took the time itself", () => {
    const nodes = [
      ["(root)", [2, 4]],
      ["cut", [3], `${ROOT}runtime/nats/fast-parser.ts`],
      ["subarray", [], "node:buffer"],
      ["(garbage collector)"],
    ] as const;
    const all = shares(stacksOf(profileOf(nodes, [2, 3, 3, 4, 1]), ALWAYS));
    expect([...all]).toEqual([
      ["ours", 0.25],
      ["node", 0.5],
      ["gc", 0.25],
    ]);
  });
});

describe("a frame", () => {
  const kindAndPlace = (functionName: string, url: string, lineNumber = 9) => {
    const { kind, place } = frameOf({ functionName, url, lineNumber });
    return [kind, place];
  };

  it("is told by the module it stands in", () => {
    expect(kindAndPlace("pump", `${ROOT}runtime/deliver/dispatcher.ts`)).toEqual([
      "ours",
      "runtime/deliver/dispatcher.ts:10",
    ]);
    expect(kindAndPlace("parse", `${ROOT}node_modules/@nats-io/nats-core/lib/parser.js`)).toEqual([
      "client",
      "@nats-io/nats-core/lib/parser.js:10",
    ]);
    expect(kindAndPlace("parse", "file:///elsewhere/node_modules/zod/v4/core/parse.js")[0]).toBe("work");
    expect(kindAndPlace("read", "node:internal/streams/readable")[0]).toBe("node");
    expect(kindAndPlace("writeBuffer", "", -1)).toEqual(["node", ""]);
    expect(kindAndPlace("", "", 1)).toEqual(["work", ""]);
  });

  it("never holds a path of the machine", () => {
    expect(kindAndPlace("handle", "file:///tmp/project-7/handlers/save.ts")).toEqual(["work", "save.ts:10"]);
  });

  it("without a name goes by its line", () => {
    expect(frameOf({ functionName: "", url: `${ROOT}runtime/clock.ts`, lineNumber: 4 }).name).toBe("clock.ts:5");
  });

  it("of a bundle belongs to the module whose path was written above it", () => {
    const lines = ["// runtime/a.ts", "one();", "// a comment", "two();", "// runtime/b.ts", "three();"];
    expect([1, 3, 5].map((line) => moduleAt(lines, line))).toEqual(["runtime/a.ts", "runtime/a.ts", "runtime/b.ts"]);
    expect(moduleAt([], 3)).toBeUndefined();
  });
});

describe("the layout of a flame graph", () => {
  const outermost = [
    stack("small", 20),
    stack("main", 10, stack("x", 3), stack("y", 40), stack("z", 2), stack("w", 25)),
  ];

  it("has each as wide as what it took with its callees, the widest first, below its caller", () => {
    const boxes = layOut(outermost, 1_000, 0);
    expect(boxes.map(({ stacks, depth, x, width }) => [stacks[0]!.name, depth, x, width])).toEqual([
      ["main", 0, 0, 800],
      ["y", 1, 0, 400],
      ["w", 1, 400, 250],
      ["x", 1, 650, 30],
      ["z", 1, 680, 20],
      ["small", 0, 800, 200],
    ]);
  });

  it("folds what is too narrow into one box, unless that is too narrow as well", () => {
    const named = (leastWidth: number) =>
      layOut(outermost, 1_000, leastWidth)
        .filter(({ depth }) => depth === 1)
        .map(({ stacks, width }) => [stacks.map(({ name }) => name).join(), width]);
    expect(named(40)).toEqual([
      ["y", 400],
      ["w", 250],
      ["x,z", 50],
    ]);
    expect(named(51)).toEqual([
      ["y", 400],
      ["w", 250],
    ]);
  });

  it("never has callees wider than their caller, nor one box over another", () => {
    const boxes = layOut(outermost, 740, 4);
    for (const { depth, x, width } of boxes.filter(({ depth }) => depth > 0)) {
      const around = boxes.filter((box) => box.depth === depth - 1 && box.x <= x + 1e-9);
      expect(around.some((box) => box.x + box.width >= x + width - 1e-9)).toBe(true);
    }
    const rows = Map.groupBy(boxes, ({ depth }) => depth);
    for (const row of rows.values()) {
      row
        .toSorted((a, b) => a.x - b.x)
        .reduce((left, right) => {
          expect(left.x + left.width).toBeLessThanOrEqual(right.x + 1e-9);
          return right;
        });
    }
  });
});

describe("the picture of a flame graph", () => {
  const drawn = (stacks: readonly Stack[]) => {
    const busyUs = stacks.reduce((sum, { totalUs }) => sum + totalUs, 0);
    return renderFlame({
      file: "x",
      title: "events: worker",
      stacks: { outermost: stacks, busyUs, idleUs: 0, samples: 5 },
      unit: "message",
      cpuUs: 1.25,
    });
  };

  it("says what was measured, and escapes names", () => {
    const svg = drawn([stack("<anonymous> & co", 10)]);
    expect(svg).toContain("1.25 µs of CPU per message · 5 samples");
    expect(svg).toContain(">&lt;anonymous&gt; &amp; co</text>");
  });

  it("cuts a name to its box, with the whole in the tooltip", () => {
    const svg = drawn([stack("main", 90), stack("aVeryLongNameThatHasNoRoom", 10)]);
    expect(svg).toMatch(/<text class="box"[^>]*>aVeryLon…<\/text>/);
    expect(svg).toContain("<title>aVeryLongNameThatHasNoRoom: 10 %, by itself 10 %</title>");
  });

  it("folds what is too small", () => {
    const svg = drawn([stack("main", 900), ...Array.from({ length: 30 }, (_, at) => stack(`f${at}`, 5))]);
    expect(svg).toContain(">… 30 smaller</text>");
  });
});
