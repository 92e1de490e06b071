// What was checked, a line each, as it happens.

export interface Report {
  /** What is going on. */
  say(line: string): void;
  /** A thing that must hold, with the figure or the values it was judged by. */
  check(what: string, holds: boolean, figure?: string): void;
  /** How many did not hold. */
  readonly failed: number;
}

export function createReport(write: (line: string) => void): Report {
  let failed = 0;
  return {
    say: (line) => write(`  ${line}`),
    check(what, holds, figure) {
      if (!holds) failed++;
      write(`${holds ? "✓" : "✗"} ${what}${figure ? `: ${figure}` : ""}`);
    },
    get failed() {
      return failed;
    },
  };
}
