// Every change that can happen to a handler, a stream, a consumer, an account or a server, each under 500 messages a second
// with two replicas: what was published was handled, or is a letter with its own reason.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { ROWS } from "./rows/index.ts";
import { runRow, shown } from "./run-row.ts";

let before: ReadonlySet<number>;
beforeEach(() => {
  before = childProcesses();
});
afterEach(() => noneLeft(before));

describe("nothing is lost when", () => {
  for (const row of ROWS) {
    it(
      row.name,
      async ({ skip }) => {
        const report = await runRow(row);
        if (report === undefined) return skip("this nats-server cannot do that");
        console.log(shown(report));
        expect({ lost: report.lost, wrong: report.wrong }).toEqual({ lost: [], wrong: [] });
        for (const code of report.exitCodes) expect(code).toBe(0);
      },
      row.timeoutMs,
    );
  }
});
