// Two healthy handlers under steady load, and whether they lose anything while others misbehave.

import { systemClock } from "../../runtime/clock.ts";
import type { TestClient } from "./client.ts";
import { fixture } from "./project.ts";

/** Put them beside the handlers under test. */
export const NEIGHBOURS: Readonly<Record<string, string>> = {
  "neighbour.ts": fixture("counts.ts"),
  "echo.ts": fixture("echoes.ts"),
};

export interface NeighbourAccount {
  readonly sent: number;
  /** Numbers of events that were not handled exactly once. */
  readonly wrongEvents: readonly number[];
  readonly asked: number;
  /** Requests that failed or got another answer than theirs. */
  readonly wrongAnswers: readonly string[];
}

export interface Neighbours {
  /** Resolves when this many more events have been handled. */
  more(count: number): Promise<void>;
  /** Stop, wait for what is under way, and give account. */
  stop(): Promise<NeighbourAccount>;
}

const EVERY_MS = 5;

/** An event every 5 ms, and always one request. */
export async function loadNeighbours(client: TestClient): Promise<Neighbours> {
  const handled = await client.collect<number>("handled.neighbour");
  const wrongAnswers: string[] = [];
  let sent = 0;
  let asked = 0;
  let open = true;
  const timer = systemClock.every(EVERY_MS, () => client.publish("neighbour", sent++));
  const asking = (async () => {
    while (open) {
      const number = asked++;
      const answer = await client.ask("echo", number).catch((error: unknown) => ({ code: -1, value: String(error) }));
      if (answer.code < 0) open = false;
      if (answer.value !== number) wrongAnswers.push(`request ${number}: ${answer.code} ${String(answer.value)}`);
    }
  })();
  return {
    async more(count) {
      await handled.until(handled.values.length + count);
    },
    async stop() {
      timer.cancel();
      open = false;
      await asking;
      const counts = new Map<number, number>();
      for (const n of await handled.until(sent)) counts.set(n, (counts.get(n) ?? 0) + 1);
      const wrongEvents = Array.from({ length: sent }, (_, n) => n).filter((n) => counts.get(n) !== 1);
      return { sent, wrongEvents, asked, wrongAnswers };
    },
  };
}
