// The file into which every run writes a line at its end (work.mjs).

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { delay, systemClock } from "../../runtime/clock.ts";
import type { Run } from "./account.ts";

const LOOK_MS = 20;

export class Ledger {
  private readonly folder = mkdtempSync(join(tmpdir(), "nats-handlers-ledger-"));
  readonly path = join(this.folder, "handled.txt");

  constructor() {
    writeFileSync(this.path, "");
  }

  runs(): Run[] {
    const text = readFileSync(this.path, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    return whole.split("\n").flatMap((line) => {
      const [id, by = "", version = ""] = line.split(" ");
      return line === "" ? [] : [{ id: Number(id), by, version }];
    });
  }

  /** Resolves once the condition holds; the runner's timeout is the limit. */
  async until(holds: (runs: readonly Run[]) => boolean): Promise<void> {
    while (!holds(this.runs())) await delay(systemClock, LOOK_MS);
  }

  /** Resolves when so many more runs have ended. */
  async more(count: number): Promise<void> {
    const goal = this.runs().length + count;
    await this.until((runs) => runs.length >= goal);
  }

  /** While something that every run needs is away, every run throws. */
  setAway(away: boolean): void {
    const flag = `${this.path}.away`;
    if (away) writeFileSync(flag, "");
    else if (existsSync(flag)) rmSync(flag);
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
