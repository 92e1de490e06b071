// The log of `dev` and `start`, which waits for no reader and says what that has cost.

import { systemClock } from "../clock.ts";
import { droppedLog } from "../observe/dropped-output.ts";
import { LogOutput } from "../terminal/log-output.ts";
import type { Output } from "../terminal/terminal.ts";

/** To be closed in the end. */
export function logOutput(output: Output, tell: (message: string) => void): LogOutput {
  return new LogOutput({
    output,
    clock: systemClock,
    onBack: (dropped, stoodStillMs) => tell(droppedLog(dropped, stoodStillMs)),
  });
}
