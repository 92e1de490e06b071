// Which processes count as a worker's.

import { expect, it } from "vitest";
import type { Kinship } from "../../../runtime/isolate/process-table.ts";
import { StartedOthers } from "../../../runtime/isolate/started-others.ts";

const WORKER = 100;
const OTHER = 200;
const WORKERS = new Set([WORKER, OTHER]);

/** A machine with these processes: id to parent, session and bytes. */
function machine(processes: Record<number, { parent: number; session: number; bytes?: number; startedAt?: string }>) {
  const lookedUp: number[] = [];
  const others = new StartedOthers({
    pids: () => Object.keys(processes).map(Number),
    kinship(pid): Kinship | undefined {
      lookedUp.push(pid);
      const found = processes[pid];
      return found && { parent: found.parent, session: found.session, startedAt: found.startedAt ?? "1" };
    },
    ownMemoryBytes: (pid) => processes[pid]?.bytes ?? 1,
  });
  return { others, processes, lookedUp };
}

it("those in its session, those it started in another, and theirs", () => {
  const { others } = machine({
    1: { parent: 0, session: 1, bytes: 1_000 },
    [WORKER]: { parent: 1, session: WORKER, bytes: 1_000 },
    [OTHER]: { parent: 1, session: OTHER, bytes: 1_000 },
    300: { parent: WORKER, session: WORKER, bytes: 10 },
    301: { parent: 1, session: WORKER, bytes: 20 },
    302: { parent: WORKER, session: 302, bytes: 40 },
    303: { parent: 302, session: 302, bytes: 80 },
    304: { parent: OTHER, session: OTHER, bytes: 5 },
    305: { parent: 1, session: 305, bytes: 1_000 },
  });
  others.look(WORKERS);
  expect([others.bytesOf(WORKER), others.bytesOf(OTHER), others.of(WORKER)]).toEqual([150, 5, [300, 301, 302, 303]]);
});

it("one that has belonged to it goes on doing so when its parent is gone", () => {
  const { others, processes } = machine({ 300: { parent: WORKER, session: 300 }, 301: { parent: 300, session: 300 } });
  others.look(WORKERS);
  delete processes[300];
  processes[301] = { parent: 1, session: 300, bytes: 7 };
  others.look(WORKERS);
  expect([others.bytesOf(WORKER), others.of(WORKER)]).toEqual([7, [301]]);
});

it("what is nobody's is looked up once, and an id that was given out again is not taken for the one before", () => {
  const { others, processes, lookedUp } = machine({
    5: { parent: 1, session: 5 },
    300: { parent: WORKER, session: WORKER },
  });
  others.look(WORKERS);
  others.look(WORKERS);
  expect(lookedUp).toEqual([5, 300]);
  processes[300] = { parent: 1, session: 9, startedAt: "2" };
  expect(others.of(WORKER)).toEqual([]);
});
