// One row for each kind of event: how loud it is, its JSON line and its text in the live log. A kind without a row does not
// compile.

import type { LogLevel, RuntimeEvent } from "../events.ts";
import type { EventRow, EventRows } from "./event-row.ts";
import { HANDLER_ROWS } from "./handler-rows.ts";
import type { LiveView } from "./live-text.ts";
import { RUN_ROWS } from "./run-rows.ts";
import { RUNTIME_ROWS } from "./runtime-rows.ts";

const ROWS: EventRows<RuntimeEvent["type"]> = { ...RUNTIME_ROWS, ...HANDLER_ROWS, ...RUN_ROWS };

/** How loud it is. The live log and the JSON log agree on it. */
export function levelOf(event: RuntimeEvent): LogLevel {
  const { level } = rowOf(event);
  return typeof level === "function" ? level(event) : level;
}

export interface LogRecord extends Readonly<Record<string, unknown>> {
  readonly msg: string;
  readonly event: RuntimeEvent["type"];
}

/** The fields of its JSON line, beside those the logger adds. Pure. */
export function recordOf(event: RuntimeEvent): LogRecord {
  const { type, ...given } = event;
  const { message, fields } = rowOf(event);
  return { event: type, msg: message(event), ...(fields === undefined ? given : fields(event)) };
}

/** Its text in the live log, without a line end. Pure. */
export function textOf(event: RuntimeEvent, view: LiveView): string {
  return rowOf(event).text(event, view);
}

/** The table pairs each kind with a row for it, which the compiler cannot follow from one line to the next. */
function rowOf(event: RuntimeEvent): EventRow<RuntimeEvent> {
  return ROWS[event.type] as EventRow<RuntimeEvent>;
}
