// An error that a replica tells of, as a person reads it.

import type { ReportedError } from "../control/control-protocol.ts";
import { type ErrorCode, RuntimeError } from "../errors.ts";
import { errorText } from "../terminal/error-text.ts";
import { type Output, printLine } from "../terminal/terminal.ts";

/** `named`: the handler that the lines above have named already. */
export function printReported(output: Output, error: ReportedError, named: string, indent = ""): void {
  const room = { columns: output.columns, lead: indent.length, indent: indent.length, named };
  const lines = errorText(rebuilt(error), output.paint, room).split("\n");
  for (const line of lines) printLine(output, indent + line);
}

export function rebuilt({ code, message, place, frame, remedy }: ReportedError): RuntimeError {
  return new RuntimeError(code as ErrorCode, message, {
    ...(place === undefined ? {} : { place: { file: place } }),
    ...(frame === undefined ? {} : { frame }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}
