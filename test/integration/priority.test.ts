// What a process that gets out of the way of others takes with it.
// @module-tag any-server

import { spawn } from "node:child_process";
import { once } from "node:events";
import { getPriority } from "node:os";
import { expect, it } from "vitest";
import { yieldToOthers } from "../../runtime/isolate/priority.ts";
import { sessionPriority } from "../support/processes.ts";

/** It waits for the end of its input. */
function waiting(detached: boolean) {
  return spawn(process.execPath, ["-e", "process.stdin.resume()"], {
    stdio: ["pipe", "ignore", "ignore"],
    detached,
  });
}

it.runIf(process.platform === "linux")(
  "yields itself; its session with it where it leads one, and never that of whoever started it",
  async () => {
    const before = [getPriority(), sessionPriority(process.pid)];
    const [member, leader] = [waiting(false), waiting(true)];
    const sharesBySession = sessionPriority(leader.pid!) === 0;
    for (const child of [member, leader]) expect(yieldToOthers(child.pid!)).toBe(true);
    expect(getPriority(member.pid!)).toBe(Math.min(before[0]! + 10, 19));
    if (sharesBySession) expect(sessionPriority(leader.pid!)).toBe(10);
    expect([getPriority(), sessionPriority(process.pid)]).toEqual(before);
    for (const child of [member, leader]) {
      child.stdin!.end();
      await once(child, "exit");
    }
  },
);
