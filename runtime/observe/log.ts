// The log of `start`: each event as one JSON line, for machines.

import { type DestinationStream, pino } from "pino";
import type { Emit } from "../events.ts";
import { levelOf, recordOf } from "./event-rows.ts";
import { handlerOf, isTold, type Threshold } from "./log-level.ts";

export interface JsonLogOptions {
  readonly level: Threshold;
  /** Stands in every line. */
  readonly app: string;
  readonly destination: DestinationStream;
}

export function createJsonLog({ level, app, destination }: JsonLogOptions): Emit {
  const options = {
    level: "trace",
    base: { app },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const log = pino(options, destination);
  return (event) => {
    const loudness = levelOf(event);
    if (!isTold(loudness, level(handlerOf(event)))) return;
    const { msg, ...fields } = recordOf(event);
    log[loudness](fields, msg);
  };
}
