// For which handler code runs, where several share a process: it is told with what is printed, and when the process dies of it.
//
// V1  Code runs for the handler whose frame began it (its message, its `setup`, its import), whatever it awaits on the way. What a
//     module that several import begins runs for the one that imported it first.
// V2  Before what another handler prints stands a line of its own: MARK and the channel (isolate/worker-output.ts).

import { AsyncLocalStorage } from "node:async_hooks";
import { OUTPUT_MARK } from "../wire/protocol.ts";

const running = new AsyncLocalStorage<number | undefined>();

/** What runs from now on, in this turn of the event loop, and what comes of it. */
export function runFor(channel: number | undefined): void {
  running.enterWith(channel);
}

export function runsFor(): number | undefined {
  return running.getStore();
}

/** V2. Once in a process. */
export function markOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
    let last = 0;
    let endsLine = true;
    stream.write = ((chunk: unknown, ...rest: unknown[]) => {
      const channel = runsFor() ?? last;
      if (channel !== last) write(`${endsLine ? "" : "\n"}${OUTPUT_MARK}${channel}\n`);
      last = channel;
      endsLine = lineEnds(chunk);
      return write(chunk, ...rest);
    }) as typeof stream.write;
  }
}

function lineEnds(chunk: unknown): boolean {
  return typeof chunk === "string" ? chunk.endsWith("\n") : chunk instanceof Uint8Array && chunk.at(-1) === 0x0a;
}
